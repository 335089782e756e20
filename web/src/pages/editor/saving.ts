import type { Client, CombinedError } from 'urql';
import { bareFailure, failureOf, type Failure } from '../../api/failure.js';
import { readFragment } from '../../gql/fragment-masking.js';
import type { EditedEntryFragment } from '../../gql/graphql.js';
import type { Attempt, Target } from './drafts.js';
import { inputOf, isSame, type Fields } from './fields.js';
import { ChangeEntry, EditedEntry, WriteEntry } from './operations.js';

/** What one's own edit and the one that stands in its way come to together. */
export interface Merged {
  readonly title: string;
  readonly content: string;
  /** The version of the other one. */
  readonly version: number;
}

export type Saved =
  | { readonly entry: EditedEntryFragment; readonly failure: null }
  | { readonly entry: null; readonly failure: Failure; readonly merged: Merged | null };

/** Codes after which nobody knows whether the act was done: it is sent again as it was. */
const UNKNOWN: readonly Failure['code'][] = ['OFFLINE', 'UNEXPECTED', 'INTERNAL', 'UNAVAILABLE', 'TIMED_OUT'];

/** Whether an attempt with this failure may have been carried out all the same. */
export const isOpen = ({ code }: Failure): boolean => UNKNOWN.includes(code);

export const targetOf = ({ id, slug, version }: EditedEntryFragment): Target => ({ id, slug, version });

const mergedOf = (error: CombinedError | undefined): Merged | null => {
  const { merged, currentVersion } = error?.graphQLErrors[0]?.extensions ?? {};
  if (typeof merged !== 'object' || merged === null || typeof currentVersion !== 'number') return null;
  return { ...(merged as Pick<Merged, 'title' | 'content'>), version: currentVersion };
};

const failed = (error: CombinedError | undefined): Saved => ({
  entry: null,
  failure: failureOf(error) ?? bareFailure('UNEXPECTED'),
  merged: mergedOf(error),
});

const send = async (client: Client, { clientId, target, fields }: Attempt): Promise<Saved> => {
  const input = inputOf(fields);
  if (target === null) {
    const { data, error } = await client.mutation(WriteEntry, { input: { ...input, clientId } });
    const entry = readFragment(EditedEntry, data?.createEntry?.entry);
    return entry ? { entry, failure: null } : failed(error);
  }
  const { id, version: expectedVersion } = target;
  const { data, error } = await client.mutation(ChangeEntry, { input: { ...input, id, expectedVersion, clientId } });
  const entry = readFragment(EditedEntry, data?.updateEntry?.entry);
  return entry ? { entry, failure: null } : failed(error);
};

interface Save {
  readonly fields: Fields;
  readonly target: Target | null;
  /** The last attempt, where its answer has not come. */
  readonly attempt: Attempt | null;
  /** Called before an attempt is sent, to keep it, and when it is settled; with what the next one starts from. */
  readonly onProgress: (attempt: Attempt | null, target: Target | null) => void;
}

/**
 * Saves a text so that there is never a second of it. An attempt without an answer may have reached the server: it is sent again with its `clientId`, which
 * gives its result. Where the text has been written on since, that is then a change of what the first attempt has made.
 */
export const save = async (client: Client, { fields, target, attempt, onProgress }: Save): Promise<Saved> => {
  let from = target;
  if (attempt !== null && !isSame(attempt.fields, fields)) {
    const first = await send(client, attempt);
    if (first.failure && isOpen(first.failure)) return first;
    if (first.entry) from = targetOf(first.entry);
    onProgress(null, from);
  }
  const isRepeated = attempt !== null && isSame(attempt.fields, fields);
  const next = isRepeated ? attempt : { clientId: crypto.randomUUID(), target: from, fields };
  onProgress(next, from);
  const result = await send(client, next);
  if (!result.failure || !isOpen(result.failure)) onProgress(null, result.entry ? targetOf(result.entry) : from);
  return result;
};
