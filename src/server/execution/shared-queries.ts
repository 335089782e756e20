import type { DocumentNode, ExecutionArgs, ExecutionResult } from 'graphql';
import { requesterOf, type Context, type Services } from '../../context.js';
import { createCoalescer } from '../../db/coalesce.js';
import { createRecordings } from '../../db/recording.js';
import { canonical } from '../../graphql/canonical.js';
import type { TableWrites } from '../../realtime/table-writes.js';
import { contextForAudience, contextForEveryone } from './audience.js';
import type { Executor } from './executor/executor.js';
import { publicResult } from './public-result.js';
import { createResultCache, resultOfBytes, type ResultCache } from './result-cache.js';
import { declaredVariables } from './variables.js';
import { isUnavailable } from '../../observability/failures.js';

/**
 * Executes a query so that equal ones share the work: those that come at the same time one execution, later ones its result while that is
 * right. Null when the operation is not to be shared, and is to be executed for this viewer alone.
 */
export type ShareQuery = (args: ExecutionArgs, commit: string | null) => Promise<ExecutionResult | null> | null;

export interface SharedQueriesOptions {
  /** The memory of kept results, in bytes; with 0 none is kept. */
  readonly maxBytes: number;
  /** How long a result is given while no write to its tables is heard of, in milliseconds: the bound of a wake that was lost. */
  readonly maxAgeMs: number;
  /** Up to which age a result is given while the database is away, marked as stale, in milliseconds; with 0 none is. */
  readonly maxStaleMs: number;
}

/** Variables whose text is longer are not shared: their keys would take more than their results. */
const MAX_KEY_LENGTH = 4_096;

/** For whom a result is made: for everyone, whoever they are; for all who are not signed in; or for one client. */
const AUDIENCES = ['everyone', 'anonymous', 'one'] as const;
type Audience = (typeof AUDIENCES)[number];

/** What is known of a document. The parser's cache returns the same object for the same text. */
interface Known {
  readonly id: number;
  /** The widest audience of each operation that has not been found to be too wide. */
  readonly audiences: Map<string, Audience>;
}

/** What a context offers beside the database. No table tells when it changes, so what was made with it is shared but not kept. */
const CHANGING = [
  'clock',
  'connections',
  'hub',
  'likes',
  'memberships',
  'tokens',
  'secretDigest',
  'fileStore',
  'typing',
] as const satisfies readonly (keyof Services)[];
/** What belongs to the one client of a request. */
const OWN = ['client', 'commit', 'lastEventId', 'limits'] as const satisfies readonly (keyof Context)[];

/** What one of those asks for who share an execution; the first one's is executed. */
interface Asked {
  /** @param areGone whether all of them have gone */
  readonly execution: (areGone: () => boolean) => Promise<ExecutionResult | null>;
  readonly isGone: () => boolean;
}

/** What an execution has touched. */
interface Touched {
  viewer: boolean;
  own: boolean;
  changing: boolean;
}

export const createSharedQueries = (
  execute: Executor,
  services: Services,
  writes: TableWrites,
  options: SharedQueriesOptions,
): ShareQuery => {
  const { maxAgeMs, maxStaleMs } = options;
  writes.listen();
  const documents = new WeakMap<DocumentNode, Known>();
  const cache = createResultCache(writes, { maxBytes: options.maxBytes, maxAgeMs, keepMs: maxStaleMs });
  // In rounds: whoever comes while one runs waits for the next, so nobody is given an answer that was begun before they asked for it.
  const rounds = createCoalescer<Asked, ExecutionResult | null>(
    async (_key, asked) => (await asked[0]?.execution(() => asked.every(({ isGone }) => isGone()))) ?? null,
    Infinity,
  );
  const record = createRecordings(services.db, writes.tablesRead);
  let count = 0;

  const knownOf = (document: DocumentNode): Known => {
    let known = documents.get(document);
    if (!known) documents.set(document, (known = { id: (count += 1), audiences: new Map() }));
    return known;
  };

  /** Null when the result would depend on who asks; `onTooWide` has been called then. */
  const executeShared = async (
    args: ExecutionArgs,
    audience: Audience,
    key: string,
    areGone: () => boolean,
    onTooWide: () => void,
  ): Promise<ExecutionResult | null> => {
    const recording = record();
    // Who asked first pays with a share of the connections; others may wait for it, so it goes on until all of them have gone.
    const db = services.db.of(requesterOf(services, args.contextValue as Context, areGone), recording.db);
    const made = { since: writes.now, at: performance.now() };
    const touched: Touched = { viewer: false, own: false, changing: false };
    try {
      const result = await execute({ ...args, contextValue: contextOf(services, db, audience, touched) });
      // Its errors come from the traps.
      if (touched.own || (touched.viewer && audience === 'everyone')) {
        onTooWide();
        return null;
      }
      if (result.errors !== undefined) return (isOutage(result) ? staleResult(cache.findStale(key, maxStaleMs)) : null) ?? result;
      const json = Buffer.from(JSON.stringify(publicResult(result)));
      const tables = touched.changing ? null : recording.tables();
      return tables === null ? resultOfBytes(json) : cache.keep(key, json, { ...made, tables });
    } finally {
      recording.end();
    }
  };

  const share: ShareQuery = (args, commit) => {
    const { document, operationName, contextValue } = args;
    const { id, audiences } = knownOf(document);
    const operation = operationName ?? '';
    const widest = audiences.get(operation) ?? 'everyone';
    const { principal, isGone } = contextValue as Context;
    if (widest === 'one' || (widest === 'anonymous' && principal !== null)) return null;
    const variables = canonical(declaredVariables(args));
    if (variables.length > MAX_KEY_LENGTH) return null;
    const key = `${widest} ${id} ${operation} ${variables}`;
    const narrow = (): void => void audiences.set(operation, AUDIENCES[AUDIENCES.indexOf(widest) + 1] ?? 'one');
    // Whoever has seen a write of which this process has not heard is given what begins now.
    const isNews = commit !== null && !writes.hasHeard(commit);
    const find = (): ExecutionResult | null => (isNews ? null : cache.find(key));
    const kept = find();
    if (kept !== null) return Promise.resolve(kept);
    const execution: Asked['execution'] = async (areGone) => find() ?? (await executeShared(args, widest, key, areGone, narrow));
    return rounds(isNews ? `news ${key}` : key, { execution, isGone }).then((result) => result ?? share(args, commit));
  };
  return share;
};

const contextOf = (services: Services, db: Services['db'], audience: Audience, touched: Touched): Context => {
  const changing = CHANGING.map((name): [string, PropertyDescriptor] => [
    name,
    {
      enumerable: true,
      get: () => {
        touched.changing = true;
        return services[name];
      },
    },
  ]);
  const own = OWN.map((name): [string, PropertyDescriptor] => [
    name,
    {
      enumerable: true,
      get: () => {
        touched.own = true;
        throw new Error('This result is for many; no client in particular has asked for it.');
      },
    },
  ]);
  const traps = Object.fromEntries([...changing, ...own]);
  const recorded = { ...services, db };
  return audience === 'everyone'
    ? contextForEveryone(recorded, () => (touched.viewer = true), { traps })
    : contextForAudience(recorded, null, { traps });
};

/** Whether a result failed because the database is away. */
const isOutage = ({ errors = [] }: ExecutionResult): boolean => errors.some(({ originalError }) => isUnavailable(originalError));

const staleResult = (stale: ReturnType<ResultCache['findStale']>): ExecutionResult | null =>
  stale === null ? null : { data: stale.result.data ?? null, extensions: { stale: { ageMs: Math.round(stale.ageMs) } } };
