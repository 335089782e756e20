import type { View } from './ledger.js';
import { ask, codeOf, entryOf, OPERATIONS, type Event } from './operations.js';
import type { Random } from './random.js';
import { anyServer, rest, type Stage } from './scene.js';

const RETRY_MS = 300;

/** Reads one page; null when there is no answer, `expired` when its cursor leads nowhere. Anything else that is no page is found. */
export const readPage = async (
  stage: Stage,
  token: string,
  { reader, stream }: View,
  after: string | null,
  random: Random,
): Promise<readonly Event[] | 'expired' | null> => {
  const response = await ask<{ events: readonly Event[] | null }>(
    anyServer(stage, random),
    token,
    OPERATIONS[stream.topic].read,
    { id: stream.id, after },
    stage.leave,
  );
  if (response === null) return null;
  if (response.data?.events && response.errors === undefined) return response.data.events;
  const code = codeOf(response.errors);
  if (code === 'CURSOR_EXPIRED') return 'expired';
  stage.ledger.find('answer', `${reader} was answered ${code ?? 'nothing'} when it read ${stream.name}`);
  return null;
};

/**
 * Reads the list as whoever begins, and whoever is told CURSOR_EXPIRED: all there is, page by page.
 * @returns the cursor to go on from; null when everybody is to go
 */
export const readList = async (stage: Stage, token: string, view: View, random: Random): Promise<string | null> => {
  let events: Event[] = [];
  while (!stage.leave.aborted) {
    const page = await readPage(stage, token, view, events.at(-1)?.cursor ?? null, random);
    if (page === null) await rest(RETRY_MS, stage.leave);
    else if (page === 'expired') events = [];
    else if (page.length > 0) events.push(...page);
    else {
      view.list(events.map((event) => entryOf(view.stream, event)));
      return events.at(-1)?.cursor ?? null;
    }
  }
  return null;
};
