import { GraphQLError } from 'graphql';
import { MessageType, type SubscribePayload } from 'graphql-ws';
import { coded } from '../../errors.js';

/** A message for which the socket is closed with 4400. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

/** A parsed message whose members are not checked yet. */
export interface Message {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly payload?: unknown;
}

/** The longest id of an operation, in characters: it is kept for as long as the operation runs. */
export const MAX_ID_LENGTH = 256;
/** The longest message that carries no operation, in characters: it has room for tokens. */
export const MAX_CONTROL_LENGTH = 16_384;
/** The longest name of an operation, in characters. */
const MAX_NAME_LENGTH = 256;

/**
 * Stands for the payload of a `subscribe` towards the protocol library. The library keeps the payload for as long as the operation runs,
 * and closes the whole socket when it is malformed. An envelope keeps nothing after it was opened, and reports a malformed payload to the
 * caller of `open`, who answers with an error for that id alone.
 */
class Envelope implements SubscribePayload {
  /** The library requires a query but does not use it. */
  readonly query = '';
  #content: SubscribePayload | GraphQLError | null;

  constructor(content: SubscribePayload | GraphQLError) {
    this.#content = content;
  }

  /**
   * Returns the operation; it can be called once.
   * @throws BAD_REQUEST when the payload is malformed
   */
  open(): SubscribePayload {
    const content = this.#content;
    this.#content = null;
    if (content === null) throw new Error('An envelope is opened once.');
    if (content instanceof GraphQLError) throw content;
    return content;
  }
}

/**
 * The operation in a `subscribe` that {@link readMessage} has read; it can be called once.
 * @throws BAD_REQUEST when the payload is malformed
 */
export const operationOf = (payload: SubscribePayload): SubscribePayload => {
  if (!(payload instanceof Envelope)) throw new Error('This payload was not read here.');
  return payload.open();
};

/**
 * Parses a message of a client before the protocol library does. The payload of a `subscribe`, well formed or not, is put into an {@link
 * Envelope}.
 * @throws MessageError when it is too long or not a JSON object
 */
export const readMessage = (text: string): Message => {
  const message = parse(text);
  const { type, id, payload } = message;
  if (typeof id === 'string' && id.length > MAX_ID_LENGTH) throw new MessageError(`An id may have ${MAX_ID_LENGTH} characters`);
  if (type !== MessageType.Subscribe) {
    if (text.length > MAX_CONTROL_LENGTH) throw new MessageError('Message too long');
    return message;
  }
  return { type, id, payload: new Envelope(readPayload(payload)) };
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

/** The payload reduced to the members of the protocol, or the error that tells why it is malformed. */
const readPayload = (payload: unknown): SubscribePayload | GraphQLError => {
  const problem = problemOf(payload);
  if (problem !== null) return coded('BAD_REQUEST', problem);
  const { query, operationName, variables, extensions } = payload as SubscribePayload;
  return { query, operationName, variables, extensions };
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
