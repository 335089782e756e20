/** The same rows again, each act in one statement that is its own transaction. */
import { randomUUID } from 'node:crypto';
import { LIKE, SEND } from './act-statements.js';
import { rowsOf, type Viewer } from './serving.js';

type Variables = Readonly<Record<string, string>>;

const write = async (name: string, sql: string, values: unknown[]): Promise<string> => {
  const [row] = await rowsOf<{ readonly json: string }>(name, sql, values);
  if (row === undefined) throw new Error(`${name} has changed nothing.`);
  return row.json;
};

export const WRITES: Readonly<Record<string, (viewer: Viewer | null, variables: Variables) => Promise<string>>> = {
  sendMessage: (viewer, { id, body }) => write('sendMessage', SEND, [randomUUID(), id, viewer?.id, body]),
  likePost: (viewer, { id }) => write('likePost', LIKE, [id, viewer?.id]),
};
