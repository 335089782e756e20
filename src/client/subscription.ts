import type { Client, FormattedExecutionResult, Sink, SubscribePayload } from 'graphql-ws';
import { delayOf, type Backoff } from './backoff.js';
import { declaresVariable, isSubscription } from './operation.js';

export interface Subscriptions {
  readonly subscribe: Client['subscribe'];
  /** Completes subscriptions that wait to subscribe again; none will. */
  readonly end: () => void;
}

/** Cursors of the last events that one subscription has delivered, so that none is delivered again. */
const REMEMBERED = 1_000;

/**
 * Subscribes so that each event of a log is delivered once and in order, whatever happens in between. The graphql-ws client sends the
 * very object that it was given whenever it subscribes again after a reconnect, so the cursor moves along in there; a subscription
 * that the server has ended for a passing reason is begun anew.
 */
export const createSubscriptions = (
  { subscribe: subscribeOnce }: Pick<Client, 'subscribe'>,
  cursorVariable: string,
  backoff: Backoff,
): Subscriptions => {
  const subscribe = leavingLater(subscribeOnce);
  const waiting = new Set<() => void>();
  let ended = false;

  const resume = <Data, Extensions>(payload: SubscribePayload, sink: Sink<FormattedExecutionResult<Data, Extensions>>): (() => void) => {
    const movable = declaresVariable(payload.query, cursorVariable);
    const variables: Record<string, unknown> = { ...payload.variables };
    const request = movable ? { ...payload, variables } : payload;
    const seen = new Set<string>();
    /** Failures in a row without a result between them. */
    let setbacks = 0;
    let over = false;
    let leave = (): void => undefined;

    const finish = (tell: () => void): void => {
      if (over) return;
      over = true;
      leave();
      tell();
    };

    const begin = (): void => {
      let left = false;
      const unsubscribe = subscribe<Data, Extensions>(request, {
        next: (result) => {
          if (!left) take(result);
        },
        error: (error) => {
          if (left) return;
          const code = codeOf(error);
          if (mayReturn(code, null)) again(code);
          else finish(() => sink.error(error));
        },
        complete: () => {
          if (!left) finish(() => sink.complete());
        },
      });
      leave = () => {
        left = true;
        unsubscribe();
      };
    };

    /** Whether subscribing again after this failure loses nothing. Without a cursor, only a subscription without any result yet may. */
    const mayReturn = (code: unknown, cursor: string | null): boolean =>
      (code === 'SLOW_CONSUMER' && movable) || (code === 'UNAVAILABLE' && (movable || (cursor === null && seen.size === 0)));

    const again = (code: unknown): void => {
      leave();
      if (code === 'SLOW_CONSUMER' && setbacks === 0) {
        setbacks += 1;
        begin();
        return;
      }
      const complete = (): void => finish(() => sink.complete());
      const timer = setTimeout(
        () => {
          waiting.delete(complete);
          begin();
        },
        delayOf(backoff, setbacks),
      );
      setbacks += 1;
      waiting.add(complete);
      leave = () => {
        clearTimeout(timer);
        waiting.delete(complete);
      };
      if (ended) complete();
    };

    const take = (result: FormattedExecutionResult<Data, Extensions>): void => {
      const cursor = cursorOf(result.extensions);
      const failed = result.data === null || result.data === undefined;
      const code = failed ? codeOf(result.errors) : undefined;
      if (mayReturn(code, cursor)) return again(code);
      if (cursor !== null) {
        if (seen.has(cursor)) return;
        seen.add(cursor);
        const [oldest] = seen;
        if (seen.size > REMEMBERED && oldest !== undefined) seen.delete(oldest);
        variables[cursorVariable] = cursor;
      }
      setbacks = 0;
      try {
        sink.next(result);
      } catch (error) {
        // An error thrown here would end every subscription of the socket.
        finish(() => sink.error(error));
      }
    };

    begin();
    return () => finish(() => queueMicrotask(() => sink.complete()));
  };

  return {
    subscribe: (payload, sink) => (isSubscription(payload.query, payload.operationName) ? resume(payload, sink) : subscribe(payload, sink)),
    end: () => {
      ended = true;
      for (const complete of [...waiting]) complete();
    },
  };
};

/**
 * Leaves an operation in a turn of the event loop of its own. In Node, messages that come together are handled in one turn: when somebody leaves upon a
 * result and the `complete` of the server is the next message, the graphql-ws client counts the operation out twice, and then closes the socket although others
 * are still on it, which it takes for their end.
 */
const leavingLater =
  (subscribe: Client['subscribe']): Client['subscribe'] =>
  (payload, sink) => {
    const leave = subscribe(payload, sink);
    return () => void setTimeout(leave, 0);
  };

/** The code of the first of some GraphQL errors; undefined for whatever else there is. */
const codeOf = (errors: unknown): unknown => {
  const [first] = Array.isArray(errors) ? (errors as readonly ({ readonly extensions?: Readonly<Record<string, unknown>> } | null)[]) : [];
  return first?.extensions?.['code'];
};

const cursorOf = (extensions: unknown): string | null =>
  typeof extensions === 'object' && extensions !== null && 'cursor' in extensions && typeof extensions.cursor === 'string'
    ? extensions.cursor
    : null;
