import { UUID } from '../db/uuid.js';
import { badInput, type FieldError } from '../errors.js';

/** Global ids are opaque to clients: the type's name and the row's uuid, base64url. */
export const encodeId = (type: string, id: string): string => Buffer.from(`${type}:${id}`).toString('base64url');

const GLOBAL_ID = new RegExp(`^([A-Za-z]+):(${UUID})$`);

interface ParsedId {
  readonly typename: string;
  readonly id: string;
}

/** The type's name and the row's uuid of a global id; null for what has not the form of one. Whether there is such a type is not asked. */
export const readId = (globalId: string): ParsedId | null => {
  const [, typename, id] = GLOBAL_ID.exec(Buffer.from(globalId, 'base64url').toString('utf8')) ?? [];
  return typename === undefined || id === undefined ? null : { typename, id };
};

const noId = (path: string): FieldError => ({ path, code: 'INVALID_ID', message: 'This is not an id.' });

/** @throws BAD_USER_INPUT when `globalId` has not the form of an id */
export const parseId = (globalId: string, path = 'id'): ParsedId => {
  const parsed = readId(globalId);
  if (parsed === null) throw badInput(noId(path));
  return parsed;
};

/**
 * The row's uuid of a global id of one type, or what is wrong with it.
 * @param path where the id stands in the arguments, for the mistake
 */
export const rawIdOf = (type: string, globalId: string, path: string): string | FieldError => {
  const parsed = readId(globalId);
  if (parsed === null) return noId(path);
  if (parsed.typename === type) return parsed.id;
  return { path, code: 'INVALID_ID', message: `This is the id of another type, not of type ${type}.`, params: { type } };
};

/**
 * The row's uuid of a global id.
 * @param path where the id stands in the arguments, for the error
 * @throws BAD_USER_INPUT when it is no id, or one of another type
 */
export const decodeId = (type: string, globalId: string, path: string): string => {
  const read = rawIdOf(type, globalId, path);
  if (typeof read !== 'string') throw badInput(read);
  return read;
};
