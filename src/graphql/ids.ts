import { UUID } from '../db/uuid.js';
import { badInput, type FieldError } from '../errors.js';

/** A global id, opaque to clients: base64url of the type's name and the row's UUID. */
export const encodeId = (type: string, id: string): string => {
  const text = `${type}:${id}`;
  // A list has hundreds of ids, and a buffer for each costs more than its text.
  return 3 * text.length > SCRATCH.length ? Buffer.from(text).toString('base64url') : SCRATCH.toString('base64url', 0, SCRATCH.write(text));
};

/** Where ids are encoded. */
const SCRATCH = Buffer.alloc(600);

const GLOBAL_ID = new RegExp(`^([A-Za-z]+):(${UUID})$`);

interface ParsedId {
  readonly typename: string;
  readonly id: string;
}

/** Decodes a global id; null when it is malformed. It does not check that the type exists. */
export const readId = (globalId: string): ParsedId | null => {
  const [, typename, id] = GLOBAL_ID.exec(Buffer.from(globalId, 'base64url').toString('utf8')) ?? [];
  return typename === undefined || id === undefined ? null : { typename, id };
};

const noId = (path: string): FieldError => ({ path, code: 'INVALID_ID', message: 'This is not an id.' });

/**
 * Decodes a global id.
 * @param path where the id stands in the arguments, for the error
 * @throws BAD_USER_INPUT when it is malformed
 */
export const parseId = (globalId: string, path = 'id'): ParsedId => {
  const parsed = readId(globalId);
  if (parsed === null) throw badInput(noId(path));
  return parsed;
};

/**
 * The UUID in a global id of this type, or the field error that says why it cannot be used.
 * @param path where the id stands in the arguments, for the error
 */
export const rawIdOf = (type: string, globalId: string, path: string): string | FieldError => {
  const parsed = readId(globalId);
  if (parsed === null) return noId(path);
  if (parsed.typename === type) return parsed.id;
  return { path, code: 'INVALID_ID', message: `This is the id of another type, not of type ${type}.`, params: { type } };
};

/**
 * The UUID in a global id of this type.
 * @param path where the id stands in the arguments, for the error
 * @throws BAD_USER_INPUT when the id is malformed or of another type
 */
export const decodeId = (type: string, globalId: string, path: string): string => {
  const read = rawIdOf(type, globalId, path);
  if (typeof read !== 'string') throw badInput(read);
  return read;
};

/**
 * The UUIDs in a list of global ids of this type, in its order.
 * @param path where the list stands in the arguments, for the error
 * @throws BAD_USER_INPUT for fewer or more than allowed, or when an id is malformed or of another type
 */
export const decodeIds = (
  type: string,
  globalIds: readonly string[],
  path: string,
  { min = 0, max }: { readonly min?: number; readonly max: number },
): string[] => {
  const { length: count } = globalIds;
  if (count < min) throw badInput({ path, code: 'TOO_FEW', message: `Must be at least ${min} ids.`, params: { min } });
  if (count > max)
    throw badInput({ path, code: 'TOO_MANY', message: `Must be at most ${max} ids; there are ${count}.`, params: { max, count } });
  return globalIds.map((globalId, index) => decodeId(type, globalId, `${path}.${index}`));
};
