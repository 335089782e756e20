import { cacheExchange } from '@urql/exchange-graphcache';
import type { Exchange } from 'urql';
import { EMBEDDED_TYPES, POSSIBLE_TYPES } from '../../../src/client/facts.js';
import type { AreaOfCache } from './cache/area.js';
import { alertsInCache } from './cache/alerts.js';
import { inboxInCache } from './cache/inbox.js';
import { chainOfPages } from './cache/lists.js';
import { invitationsInCache } from './cache/invitations.js';
import { notificationsInCache } from './cache/notifications.js';
import { peopleInCache } from './cache/people.js';
import { postsInCache } from './cache/posts.js';
import { vaultInCache } from './cache/vault.js';

const AREAS: readonly AreaOfCache[] = [
  alertsInCache,
  inboxInCache,
  invitationsInCache,
  notificationsInCache,
  postsInCache,
  peopleInCache,
  vaultInCache,
];

/** Lists whose pages are read one after another, and shown as one. The messages of a conversation are none: they are read from any place on, and kept by its history. */
const LISTS: Readonly<Record<string, readonly string[]>> = {
  Query: ['entries', 'popularEntries', 'feed', 'invitations', 'posts', 'users', 'announcements', 'auditLog'],
  Me: ['conversations', 'notifications', 'blockedUsers', 'messageHistory'],
  User: ['entries', 'posts', 'followers', 'following'],
  Post: ['comments', 'likers'],
  Entry: ['likers', 'revisions'],
  Comment: ['replies'],
  Conversation: ['members'],
};
const lists = Object.fromEntries(
  Object.entries(LISTS).map(([type, fields]) => [type, Object.fromEntries(fields.map((field) => [field, chainOfPages]))]),
);

/** The tables of all areas by type and field; no two areas have the same field. */
const merged = <Field>(
  tables: readonly (Readonly<Record<string, Readonly<Record<string, Field>>>> | undefined)[],
): Record<string, Record<string, Field>> => {
  const all: Record<string, Record<string, Field>> = {};
  for (const table of tables) for (const [type, fields] of Object.entries(table ?? {})) all[type] = { ...all[type], ...fields };
  return all;
};

/**
 * The normalised cache: objects by their global ids, pages joined to lists, and what the areas do upon mutations and events. One for each person
 * who signs in.
 */
export const createCache = (): Exchange =>
  cacheExchange({
    possibleTypes: POSSIBLE_TYPES,
    keys: Object.fromEntries(EMBEDDED_TYPES.map((type) => [type, () => null])),
    resolvers: merged([lists, ...AREAS.map(({ resolvers }) => resolvers)]),
    updates: merged(AREAS.map(({ updates }) => updates)),
    optimistic: Object.fromEntries(AREAS.flatMap(({ optimistic }) => Object.entries(optimistic ?? {}))),
  });
