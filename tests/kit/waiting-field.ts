import { builder } from '../../src/graphql/builder.js';
import { deferred, type Deferred } from './deferred.js';

/*
 * A field that only tests have: work that goes on for as long as its client waits. Import this before the app: the schema is built when it is
 * loaded.
 */

interface Work {
  readonly begun: Deferred<undefined>;
  /** Resolves when the work has been told that nobody waits for it any more. */
  readonly aborted: Deferred<undefined>;
}

const works = new Map<string, Work>();

/** The work of the field `waiting` with this name, before it has begun. */
export const expectWork = (name: string): { readonly begun: Promise<undefined>; readonly aborted: Promise<undefined> } => {
  const work: Work = { begun: deferred<undefined>(), aborted: deferred<undefined>() };
  works.set(name, work);
  return { begun: work.begun.promise, aborted: work.aborted.promise };
};

builder.queryField('waiting', (t) =>
  t.boolean({
    description: 'True when its client has gone, which therefore never sees it.',
    args: { name: t.arg.string({ required: true }) },
    resolve: async (_root, { name }, { signal }) => {
      const work = works.get(name);
      if (signal === null || work === undefined) throw new Error('This field is for operations that can be given up.');
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      work.begun.resolve(undefined);
      await aborted;
      work.aborted.resolve(undefined);
      return true;
    },
  }),
);
