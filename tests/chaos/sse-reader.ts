import type { LogStream, View } from './ledger.js';
import { readList } from './listing.js';
import { codeOf, entryOf, OPERATIONS, PASSING, type Event } from './operations.js';
import type { Random } from './random.js';
import type { Reader } from './reader.js';
import { anyOf, anyServer, rest, type Stage } from './scene.js';

/** How soon a stream that was cut is opened again, in milliseconds; browsers wait for some seconds. */
const RETRY_MS = { least: 200, most: 800 };

interface Piece {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

/** The events of a stream of server-sent events; comments are left out. */
async function* pieces(body: ReadableStream<Uint8Array>): AsyncGenerator<Piece> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string): string | undefined =>
        lines
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim();
      const event = field('event');
      if (event !== undefined) yield { id: field('id') ?? null, event, data: field('data') ?? '' };
    }
  }
}

/** Reads as a browser's EventSource does: the same request each time, and `Last-Event-ID` with what was seen last. */
export const startEventStreamReader = (
  stage: Stage,
  name: string,
  token: string,
  streams: readonly LogStream[],
  random: Random,
): Reader => {
  const { ledger } = stage;
  const views = streams.map((stream) => ledger.open(name, stream));
  const stopping = new AbortController();
  const leave = anyOf(stage.leave, stopping.signal);
  const isLeft = (): boolean => leave.aborted;
  let connections = new AbortController();

  /** One stream until it is cut or ends: `expired` when its cursor leads nowhere. */
  const follow = async (view: View, after: string | null, seen: { cursor: string | null }): Promise<'expired' | 'cut'> => {
    const { stream } = view;
    const response = await fetch(anyServer(stage, random), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
        ...(seen.cursor === null ? {} : { 'last-event-id': seen.cursor }),
      },
      body: JSON.stringify({ query: OPERATIONS[stream.topic].follow, variables: { id: stream.id, after } }),
      signal: anyOf(connections.signal, leave),
    });
    if (!response.ok || response.body === null) {
      const { errors } = (await response.json()) as { errors?: unknown };
      if (response.status !== 503)
        ledger.find('answer', `${name} was answered ${response.status} ${codeOf(errors)} when it followed ${stream.name}`);
      return 'cut';
    }
    for await (const { id, event, data } of pieces(response.body)) {
      if (event !== 'next') {
        ledger.find('answer', `${name} was told that ${stream.name} is over`);
        return 'cut';
      }
      const { data: result, errors } = JSON.parse(data) as { data?: { events: Event } | null; errors?: unknown };
      const code = codeOf(errors);
      if (code === 'CURSOR_EXPIRED') return 'expired';
      if (code !== undefined && !result && (PASSING.has(code) || code === 'SLOW_CONSUMER')) return 'cut';
      if (code !== undefined) ledger.find('answer', `${name} got an event of ${stream.name} with the error ${code}`);
      if (result) view.take(entryOf(stream, result.events));
      if (id !== null) seen.cursor = id;
    }
    return 'cut';
  };

  const read = async (view: View): Promise<void> => {
    while (!isLeft()) {
      const after = await readList(stage, token, view, random);
      const seen: { cursor: string | null } = { cursor: null };
      while (!isLeft()) {
        const end = await follow(view, after, seen).catch(() => 'cut' as const);
        if (end === 'expired') break;
        await rest(random.between(RETRY_MS.least, RETRY_MS.most), leave);
      }
    }
  };
  const reading = views.map(read);
  return {
    name,
    views,
    cut: () => {
      connections.abort();
      connections = new AbortController();
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(reading);
    },
  };
};
