import { GraphQLError } from 'graphql';
import { MessageType, type SubscribePayload } from 'graphql-ws';
import { MAX_NESTING, readRequest, type GivenRequest } from '../execution/request.js';
import { isRecord, nestsDeeper } from '../execution/values.js';

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

/**
 * Stands for the payload of a `subscribe` towards the protocol library. The library keeps the payload for as long as the operation runs,
 * and closes the whole socket when it is malformed. An envelope keeps nothing after it was opened, and reports a malformed payload to the
 * caller of `open`, who answers with an error for that id alone.
 */
class Envelope implements SubscribePayload {
  /** The library requires a query but does not use it. */
  readonly query = '';
  #content: GivenRequest | GraphQLError | null;

  constructor(content: GivenRequest | GraphQLError) {
    this.#content = content;
  }

  /**
   * Returns the operation; it can be called once.
   * @throws the error of {@link readRequest}
   */
  open(): GivenRequest {
    const content = this.#content;
    this.#content = null;
    if (content === null) throw new Error('An envelope is opened once.');
    if (content instanceof GraphQLError) throw content;
    return content;
  }
}

/**
 * The operation in a `subscribe` that {@link readMessage} has read; it can be called once.
 * @throws the error of {@link readRequest}
 */
export const operationOf = (payload: SubscribePayload): GivenRequest => {
  if (!(payload instanceof Envelope)) throw new Error('This payload was not read here.');
  return payload.open();
};

/**
 * Parses a message of a client before the protocol library does. The payload of a `subscribe`, well formed or not, is put into an {@link
 * Envelope}.
 * @throws MessageError when it is too long, nests too deep or is not a JSON object
 */
export const readMessage = (text: string): Message => {
  const message = parse(text);
  const { type, id, payload } = message;
  if (typeof id === 'string' && isLonger(id, MAX_ID_LENGTH)) throw new MessageError(`An id may have ${MAX_ID_LENGTH} characters`);
  if (type !== MessageType.Subscribe) {
    if (isLonger(text, MAX_CONTROL_LENGTH)) throw new MessageError('Message too long');
    // What comes back in a pong is walked with recursion.
    if (nestsDeeper(message, MAX_NESTING)) throw new MessageError('Message nested too deep');
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
  if (!isRecord(message)) throw new MessageError(INVALID);
  return message;
};
const INVALID = 'Invalid message received';

const readPayload = (payload: unknown): GivenRequest | GraphQLError => {
  try {
    return readRequest(payload);
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
};

/** Whether a text has more characters than this; an emoji is one, though JavaScript counts two. */
const isLonger = (text: string, max: number): boolean => text.length > max && (text.length > 2 * max || [...text].length > max);
