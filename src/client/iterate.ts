import type { Client, FormattedExecutionResult, SubscribePayload } from 'graphql-ws';

/** A subscription as an iteration, which ends at once when its reader leaves. */
export const iterate = <Data, Extensions>(
  subscribe: Client['subscribe'],
  payload: SubscribePayload,
): AsyncIterableIterator<FormattedExecutionResult<Data, Extensions>> => {
  type Result = FormattedExecutionResult<Data, Extensions>;
  const results: Result[] = [];
  let readers: (() => void)[] = [];
  let over = false;
  let failure: { readonly error: unknown } | null = null;

  const wake = (): void => {
    const woken = readers;
    readers = [];
    for (const look of woken) look();
  };
  const end = (): void => {
    over = true;
    wake();
  };
  const unsubscribe = subscribe<Data, Extensions>(payload, {
    next: (result) => {
      results.push(result);
      wake();
    },
    error: (error) => {
      failure = { error };
      end();
    },
    complete: end,
  });

  const iterator: AsyncIterableIterator<Result> = {
    next: async () => {
      for (;;) {
        const value = results.shift();
        if (value !== undefined) return { done: false, value };
        if (over) break;
        await new Promise<void>((resolve) => readers.push(resolve));
      }
      const failed = failure;
      failure = null;
      if (failed) throw failed.error;
      return { done: true, value: undefined };
    },
    return: async () => {
      results.length = 0;
      failure = null;
      end();
      unsubscribe();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
};
