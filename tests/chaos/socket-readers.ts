import { createClient, type Client, type FormattedExecutionResult } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createResumingClient } from '../../src/client/resuming-client.js';
import type { LogStream, View } from './ledger.js';
import { readList } from './listing.js';
import { codeOf, entryOf, OPERATIONS, type Event } from './operations.js';
import type { Random } from './random.js';
import type { Reader } from './reader.js';
import { anyOf, anyServer, rest, type Stage } from './scene.js';

type Result = FormattedExecutionResult<{ readonly events: Event }, unknown>;

/** How a subscription has ended: by a code, or with the connection, for which the client has given up. */
type End = { readonly code: string } | 'complete' | 'connection';

/** After an end of its own, so that a server that refuses is not asked without a pause. */
const PAUSE_MS = 300;
/** Close codes by which a server says that it has nothing against coming back; 1000 to 1006 are those of connections that broke. */
const PASSING_CLOSES = new Set([1000, 1001, 1005, 1006, 1011, 1012, 1013, 4403, 4408, 4499]);

const socketUrl = (stage: Stage, random: Random): string => anyServer(stage, random).replace(/^http/, 'ws');

/** One subscription until it ends, or until its reader leaves. */
const follow = (
  client: Client,
  leave: AbortSignal,
  query: string,
  variables: Record<string, unknown>,
  take: (result: Result) => void,
): Promise<End> =>
  new Promise((resolve) => {
    let code: string | undefined;
    const unsubscribe = client.subscribe<{ readonly events: Event }>(
      { query, variables },
      {
        next: (result) => {
          const failure = codeOf(result.errors);
          // Refused as it began: the `complete` comes right behind.
          if (failure !== undefined && (result.data === null || result.data === undefined)) code ??= failure;
          else take(result);
        },
        error: (error) => resolve(Array.isArray(error) ? { code: codeOf(error) ?? 'none' } : endOf(error)),
        complete: () => resolve(code === undefined ? 'complete' : { code }),
      },
    );
    const end = (): void => {
      unsubscribe();
      resolve('complete');
    };
    if (leave.aborted) end();
    else leave.addEventListener('abort', end, { once: true });
  });

const endOf = (problem: unknown): End => {
  const code = typeof problem === 'object' && problem !== null && 'code' in problem ? problem.code : undefined;
  return typeof code !== 'number' || PASSING_CLOSES.has(code) ? 'connection' : { code: `close code ${code}` };
};

/** Tells of a result; one that came with errors, but with data, is told of as it is. */
const taker =
  ({ ledger }: Stage, view: View) =>
  ({ data, errors }: Result): void => {
    if (errors) ledger.find('answer', `${view.reader} got an event of ${view.stream.name} with the error ${codeOf(errors)}`);
    if (data?.events) view.take(entryOf(view.stream, data.events));
  };

/** The client of `src/client/`: each event once, in order, until its cursor has expired; then the list is read anew. */
export const startResumingReader = (stage: Stage, name: string, token: string, streams: readonly LogStream[], random: Random): Reader => {
  const client = createResumingClient({
    url: () => socketUrl(stage, random),
    webSocketImpl: WebSocket,
    getAccessToken: () => token,
    // One fault follows the other, so whoever waits for half a minute after many of them would miss what the test is about.
    backoff: { firstMs: 250, maxMs: 4_000 },
    pongTimeoutMs: 3_000,
    keepAlive: 4_000,
  });
  const stopping = new AbortController();
  const leave = anyOf(stage.leave, stopping.signal);
  const isLeft = (): boolean => leave.aborted;
  const views = streams.map((stream) => stage.ledger.open(name, stream));
  const read = async (view: View): Promise<void> => {
    while (!isLeft()) {
      const after = await readList(stage, token, view, random);
      const end = await follow(client, leave, OPERATIONS[view.stream.topic].follow, { id: view.stream.id, after }, taker(stage, view));
      const isAllowed = typeof end === 'object' && end.code === 'CURSOR_EXPIRED';
      if (!isLeft() && !isAllowed) stage.ledger.find('answer', `${name} was left with ${words(end)} by ${view.stream.name}`);
      await rest(PAUSE_MS, leave);
    }
  };
  const reading = views.map(read);
  return {
    name,
    views,
    cut: () => client.terminate(),
    stop: async () => {
      stopping.abort();
      await client.dispose();
      await Promise.all(reading);
    },
  };
};

/**
 * A graphql-ws client as it comes. With `after` it is told everything since its list once more after each reconnect; without, what came
 * meanwhile is lost to it. It gives up after five tries, and ends with UNAVAILABLE and SLOW_CONSUMER: then it is begun anew.
 */
export const startStockReader = (
  stage: Stage,
  name: string,
  token: string,
  streams: readonly LogStream[],
  random: Random,
  from: 'list' | 'now',
): Reader => {
  const views = streams.map((stream) => stage.ledger.open(name, stream));
  const again = (view: View): void => (from === 'list' ? view.rewind() : view.skip());
  const client = createClient({
    url: () => socketUrl(stage, random),
    webSocketImpl: WebSocket,
    connectionParams: { accessToken: token },
    // Each connection begins all subscriptions of the client again.
    on: { connected: () => views.forEach(again) },
  });
  const stopping = new AbortController();
  const leave = anyOf(stage.leave, stopping.signal);
  const isLeft = (): boolean => leave.aborted;
  const read = async (view: View): Promise<void> => {
    const operations = OPERATIONS[view.stream.topic];
    let after: string | null = null;
    if (from === 'list') after = await readList(stage, token, view, random);
    while (!isLeft()) {
      again(view);
      const end =
        from === 'list'
          ? await follow(client, leave, operations.follow, { id: view.stream.id, after }, taker(stage, view))
          : await follow(client, leave, operations.followFromNow, { id: view.stream.id }, taker(stage, view));
      if (isLeft()) return;
      if (typeof end === 'object' && end.code === 'CURSOR_EXPIRED') {
        if (from === 'list') after = await readList(stage, token, view, random);
      } else if (end !== 'connection' && !(typeof end === 'object' && ['UNAVAILABLE', 'SLOW_CONSUMER'].includes(end.code))) {
        stage.ledger.find('answer', `${name} was left with ${words(end)} by ${view.stream.name}`);
      }
      await rest(PAUSE_MS, leave);
    }
  };
  const reading = views.map(read);
  return {
    name,
    views,
    cut: () => client.terminate(),
    stop: async () => {
      stopping.abort();
      await client.dispose();
      await Promise.all(reading);
    },
  };
};

const words = (end: End): string => (typeof end === 'object' ? end.code : end);
