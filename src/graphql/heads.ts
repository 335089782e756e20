import { visit, type GraphQLResolveInfo, type OperationDefinitionNode } from 'graphql';
import type { Context } from '../context.js';
import type { Head } from '../realtime/cursor.js';
import { readHeads } from '../realtime/event-log.js';
import { batched } from './loaders.js';

/** The heads of streams of a topic, loaded for all rows of a response by one statement; null for a stream that has no event yet. */
export const heads = (topic: { readonly name: string }): HeadLoader =>
  batched<Head | null>((context, keys) => readHeads(context.db.prisma, topic.name, keys), null);

type HeadLoader = (context: Context, key: string) => Promise<Head | null>;

/** The fields that give positions: `cursor`, `endCursor`, `commentCursor` and so on. A field that gives one must have such a name. */
const CURSOR = /cursor$/i;

const known = new WeakMap<OperationDefinitionNode, boolean>();

/** Whether an operation asks for any position, in whichever of its fields. */
export const asksForCursors = ({ operation, fragments }: Pick<GraphQLResolveInfo, 'operation' | 'fragments'>): boolean => {
  const before = known.get(operation);
  if (before !== undefined) return before;
  let asks = false;
  const Field = ({ name }: { readonly name: { readonly value: string } }): void => {
    asks ||= CURSOR.test(name.value);
  };
  for (const part of [operation, ...Object.values(fragments)]) visit(part, { Field });
  known.set(operation, asks);
  return asks;
};

/**
 * The head of a stream for what is read after it; undefined, without a statement, when the operation asks for no position. A client that
 * subscribes after a position thus gets every event that is missing in what it was given beside it. Example: if the messages were read first
 * and then the head, a message that is committed in between would be in neither.
 */
export const headFirst = async (
  load: HeadLoader,
  context: Context,
  info: Pick<GraphQLResolveInfo, 'operation' | 'fragments'>,
  key: string,
): Promise<Head | null | undefined> => (asksForCursors(info) ? await load(context, key) : undefined);
