import { badInput } from './errors.js';

/** Global ids are opaque to clients: the type's name and the row's uuid, base64url. */
export const encodeId = (type: string, id: string): string => Buffer.from(`${type}:${id}`).toString('base64url');

const GLOBAL_ID = /^([A-Za-z]+):([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

/** @throws BAD_USER_INPUT when `globalId` has not the form of an id */
export const parseId = (globalId: string, path = 'id'): { readonly typename: string; readonly id: string } => {
  const [, typename, id] = GLOBAL_ID.exec(Buffer.from(globalId, 'base64url').toString('utf8')) ?? [];
  if (typename === undefined || id === undefined) throw badInput({ path, message: 'This is not an id.' });
  return { typename, id };
};

/**
 * The row's uuid of a global id.
 * @param path where the id stands in the arguments, for the error
 * @throws BAD_USER_INPUT when it is no id, or one of another type
 */
export const decodeId = (type: string, globalId: string, path: string): string => {
  const { typename, id } = parseId(globalId, path);
  if (typename !== type) throw badInput({ path, message: `This is the id of another type, not of type ${type}.` });
  return id;
};
