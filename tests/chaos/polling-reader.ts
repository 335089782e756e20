import type { LogStream, View } from './ledger.js';
import { readList, readPage } from './listing.js';
import { entryOf } from './operations.js';
import type { Random } from './random.js';
import type { Reader } from './reader.js';
import { rest, type Stage } from './scene.js';

const INTERVAL_MS = 300;

/** Asks for what follows its last cursor, again and again. */
export const startPollingReader = (stage: Stage, name: string, token: string, streams: readonly LogStream[], random: Random): Reader => {
  const views = streams.map((stream) => stage.ledger.open(name, stream));
  let stopping = false;
  const read = async (view: View): Promise<void> => {
    let after = await readList(stage, token, view, random);
    while (!stopping && !stage.leave.aborted) {
      const page = await readPage(stage, token, view, after, random);
      if (page === 'expired') after = await readList(stage, token, view, random);
      else {
        for (const event of page ?? []) view.take(entryOf(view.stream, event));
        after = page?.at(-1)?.cursor ?? after;
      }
      await rest(INTERVAL_MS, stage.leave);
    }
  };
  const reading = views.map(read);
  return {
    name,
    views,
    cut: () => undefined,
    stop: async () => {
      stopping = true;
      await Promise.all(reading);
    },
  };
};
