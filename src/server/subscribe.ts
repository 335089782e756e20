import { createSourceEventStream, execute, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { freshContext, type Context } from '../context.js';

/**
 * Subscribes as graphql-js does, with two differences: each event is executed in a context of its own, so that no loader answers
 * with what it read for an earlier event, and the result of a log's event carries its cursor in `extensions.cursor`.
 *
 * What the source throws, the returned iterator throws; leaving it leaves the source at once.
 */
export const subscribe = async (args: ExecutionArgs): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>> => {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return source;
  const events = source[Symbol.asyncIterator]();
  const results: AsyncIterableIterator<ExecutionResult> = {
    next: async () => {
      const event = await events.next();
      return event.done === true ? { done: true, value: undefined } : { done: false, value: await deliver(args, event.value) };
    },
    return: async () => {
      await events.return?.();
      return { done: true, value: undefined };
    },
    throw: async (error: unknown) => {
      await events.return?.();
      throw error;
    },
    [Symbol.asyncIterator]: () => results,
  };
  return results;
};

const deliver = async (args: ExecutionArgs, event: unknown): Promise<ExecutionResult> => {
  const context = freshContext(args.contextValue as Context);
  const result = await execute({ ...args, rootValue: event, contextValue: context });
  const cursor = cursorOf(event);
  return cursor === null ? result : { ...result, extensions: { ...result.extensions, cursor } };
};

const cursorOf = (event: unknown): string | null =>
  typeof event === 'object' && event !== null && 'cursor' in event && typeof event.cursor === 'string' ? event.cursor : null;
