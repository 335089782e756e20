import { decodeCursor } from '../../src/realtime/cursor.js';
import { parseId } from '../../src/graphql/ids.js';
import { execute, type GraphQLResponse } from '../kit/client.js';
import type { Entry, LogStream } from './ledger.js';

const ROOM_EVENT = `__typename cursor
  ... on MessageAdded { message { id body } } ... on MessageEdited { message { id body } } ... on MemberJoined { user { id } }`;
const POST_EVENT = '__typename cursor ... on CommentAdded { comment { id body } } ... on CommentEdited { comment { id body } }';

/** How a stream is followed and read. Both operations give their events as `events`. */
export const OPERATIONS = {
  conversation: {
    follow: `subscription ($id: ID!, $after: String) { events: conversationEvents(conversationId: $id, after: $after) { ${ROOM_EVENT} } }`,
    // A stock client that follows from now declares no cursor.
    followFromNow: `subscription ($id: ID!) { events: conversationEvents(conversationId: $id) { ${ROOM_EVENT} } }`,
    read: `query ($id: ID!, $after: String) { events: conversationEvents(conversationId: $id, after: $after, first: 100) { ${ROOM_EVENT} } }`,
  },
  comments: {
    follow: `subscription ($id: ID!, $after: String) { events: postEvents(postId: $id, after: $after) { ${POST_EVENT} } }`,
    followFromNow: `subscription ($id: ID!) { events: postEvents(postId: $id) { ${POST_EVENT} } }`,
    read: `query ($id: ID!, $after: String) { events: postEvents(postId: $id, after: $after, first: 100) { ${POST_EVENT} } }`,
  },
} as const;

/** An event as the operations above select it. */
export interface Event {
  readonly __typename: string;
  readonly cursor: string;
  readonly message?: { readonly id: string };
  readonly comment?: { readonly id: string };
  readonly user?: { readonly id: string };
}

export const entryOf = ({ topic, key }: LogStream, { __typename: kind, cursor, message, comment, user }: Event): Entry => {
  const subject = (message ?? comment ?? user)?.id;
  return { seq: decodeCursor(topic, key, cursor).seq, kind, subject: subject === undefined ? '' : parseId(subject).id };
};

/** The code of the first of some GraphQL errors; undefined where there are none. */
export const codeOf = (errors: unknown): string | undefined => {
  const [first] = Array.isArray(errors) ? (errors as readonly { readonly extensions?: { readonly code?: unknown } }[]) : [];
  const code = first?.extensions?.code;
  return first === undefined ? undefined : typeof code === 'string' ? code : 'none';
};

/** What a failure that passes is answered with; a query may also run out of time while the database, the server or the machine stands still. */
export const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'TIMED_OUT']);

/** How long a request may take before it is given up, in milliseconds. */
const PATIENCE_MS = 10_000;

/** One operation over HTTP; null when there was no answer, or one that says that there is none at the moment. */
export const ask = async <Data>(
  url: string,
  token: string | null,
  query: string,
  variables: object,
  leave: AbortSignal,
): Promise<GraphQLResponse<Data> | null> => {
  try {
    const response = await execute<Data>(url, query, variables, {
      ...(token === null ? {} : { token }),
      signal: AbortSignal.any([leave, AbortSignal.timeout(PATIENCE_MS)]),
    });
    return PASSING.has(codeOf(response.errors) ?? '') ? null : response;
  } catch {
    return null;
  }
};
