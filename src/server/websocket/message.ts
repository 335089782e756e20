import type { GraphQLError } from 'graphql';
import { MessageType, type SubscribePayload } from 'graphql-ws';
import { coded } from '../../errors.js';

/** A message that ends its socket with 4400, and the reason for that. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

/** A message whose members are still to be looked at. */
export interface Message {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly payload?: unknown;
}

/** Characters that the id of an operation may have: it is kept for as long as the operation runs. */
export const MAX_ID_LENGTH = 256;
/** Characters that a message may have which carries no operation; a token or two fit well. */
export const MAX_CONTROL_LENGTH = 16_384;
/** Characters that the name of an operation may have. */
const MAX_NAME_LENGTH = 256;

/** Where a payload that stands for a refused one says why. No peer can send it: JSON knows no symbols. */
const REFUSAL = Symbol('refusal');

/** Why the payload of a `subscribe` cannot be run; null when it can. */
export const refusalOf = (payload: SubscribePayload & { readonly [REFUSAL]?: GraphQLError }): GraphQLError | null =>
  payload[REFUSAL] ?? null;

/**
 * Reads one message of a peer, before the protocol library does. The library closes the whole socket for a `subscribe` whose payload is wrong; here
 * such a payload is exchanged for an empty one, of which {@link refusalOf} says what was wrong, so that the answer is an error for that id alone.
 * Of a payload that is right only the members of the protocol are taken over: the library keeps it as long as the operation runs.
 * @throws MessageError for what is too long, or no object in JSON
 */
export const readMessage = (text: string): Message => {
  const message = parse(text);
  const { type, id, payload } = message;
  if (typeof id === 'string' && id.length > MAX_ID_LENGTH) throw new MessageError(`An id may have ${MAX_ID_LENGTH} characters`);
  if (type !== MessageType.Subscribe) {
    if (text.length > MAX_CONTROL_LENGTH) throw new MessageError('Message too long');
    return message;
  }
  return { type, id, payload: readPayload(payload) };
};

const parse = (text: string): Message => {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new MessageError(INVALID);
  }
  if (!isObject(message)) throw new MessageError(INVALID);
  return message;
};
const INVALID = 'Invalid message received';

const readPayload = (payload: unknown): SubscribePayload => {
  const problem = problemOf(payload);
  if (problem === null) {
    const { query, operationName, variables, extensions } = payload as SubscribePayload;
    return { query, operationName, variables, extensions };
  }
  return { query: '', [REFUSAL]: coded('BAD_REQUEST', problem) } as SubscribePayload;
};

const problemOf = (payload: unknown): string | null => {
  if (!isObject(payload)) return 'The payload of "subscribe" must be an object.';
  const { query, operationName, variables, extensions } = payload;
  if (typeof query !== 'string') return 'The payload of "subscribe" must have a "query" that is a string.';
  if (!isNullish(operationName) && typeof operationName !== 'string') return 'The "operationName" must be a string.';
  if (typeof operationName === 'string' && operationName.length > MAX_NAME_LENGTH)
    return `The "operationName" may have ${MAX_NAME_LENGTH} characters.`;
  if (!isNullish(variables) && !isObject(variables)) return 'The "variables" must be an object.';
  if (!isNullish(extensions) && !isObject(extensions)) return 'The "extensions" must be an object.';
  return null;
};

const isNullish = (value: unknown): value is null | undefined => value === null || value === undefined;
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
