import { GraphQLError } from 'graphql';
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

/**
 * What the protocol library is given in place of the payload of a `subscribe`. The library keeps that for as long as the operation runs, and closes the
 * whole socket for one that is wrong: so it gets this, which keeps nothing once it was opened, and says of a wrong payload what is wrong with it
 * to whoever opens it, whose answer is an error for that id alone.
 */
class Envelope implements SubscribePayload {
  /** The library asks for one, and reads none. */
  readonly query = '';
  #content: SubscribePayload | GraphQLError | null;

  constructor(content: SubscribePayload | GraphQLError) {
    this.#content = content;
  }

  /**
   * The operation; for who asks first.
   * @throws BAD_REQUEST when the payload is none
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
 * The operation that a `subscribe` of {@link readMessage} asks for; to be asked once.
 * @throws BAD_REQUEST when its payload is none
 */
export const operationOf = (payload: SubscribePayload): SubscribePayload => {
  if (!(payload instanceof Envelope)) throw new Error('This payload was not read here.');
  return payload.open();
};

/**
 * Reads one message of a peer, before the protocol library does. The payload of a `subscribe` is put into an {@link Envelope}, right or wrong.
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

/** The members of the protocol, and nothing else; or why it is no payload. */
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
