import { get, type IncomingMessage } from 'node:http';
import type { TestApp, TestUser } from './app.js';

export interface StreamedEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: string;
}

/** A reader of server-sent events that can stop reading: then what is sent stays in the connection, and at the server. */
export interface EventStreamReader {
  readonly events: readonly StreamedEvent[];
  readonly pause: () => void;
  readonly resume: () => void;
  /** Disconnects. */
  readonly leave: () => void;
  /** Whether the stream came to its end, or was cut; resolves when it has. */
  readonly closed: Promise<'ended' | 'cut'>;
}

const eventOf = (block: string): StreamedEvent | null => {
  const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
  const event = fields.get('event');
  return event === undefined ? null : { event, id: fields.get('id') ?? null, data: fields.get('data') ?? '' };
};

/** @param lastEventId where a reader goes on that was here before */
export const openEventStream = async (
  app: TestApp,
  user: TestUser,
  { query, variables, lastEventId }: { readonly query: string; readonly variables: object; readonly lastEventId?: string },
): Promise<EventStreamReader> => {
  const url = `${app.url}?query=${encodeURIComponent(query)}&variables=${encodeURIComponent(JSON.stringify(variables))}`;
  const headers = {
    accept: 'text/event-stream',
    authorization: `Bearer ${user.token}`,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers, agent: false }, resolve).on('error', reject);
  });
  if (response.statusCode !== 200) throw new Error(`The stream was answered with ${response.statusCode}.`);
  const events: StreamedEvent[] = [];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop() ?? '';
    events.push(...blocks.flatMap((block) => eventOf(block) ?? []));
  });
  response.on('error', () => undefined);
  const closed = new Promise<'ended' | 'cut'>((resolve) => response.once('close', () => resolve(response.complete ? 'ended' : 'cut')));
  return {
    events,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    leave: () => void response.destroy(),
    closed,
  };
};
