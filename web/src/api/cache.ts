import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
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
const pages = relayPagination();

const LISTS: NonNullable<AreaOfCache['resolvers']> = {
  Query: {
    entries: pages,
    popularEntries: pages,
    feed: chainOfPages,
    invitations: chainOfPages,
    posts: chainOfPages,
    users: chainOfPages,
    announcements: pages,
    auditLog: pages,
  },
  Me: { conversations: pages, notifications: pages, blockedUsers: pages, messageHistory: pages },
  User: { entries: pages, posts: chainOfPages, followers: chainOfPages, following: chainOfPages },
  Post: { comments: pages, likers: pages },
  Entry: { likers: pages },
  Comment: { replies: pages },
  Conversation: { members: pages },
};

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
    resolvers: merged([LISTS, ...AREAS.map(({ resolvers }) => resolvers)]),
    updates: merged(AREAS.map(({ updates }) => updates)),
    optimistic: Object.fromEntries(AREAS.flatMap(({ optimistic }) => Object.entries(optimistic ?? {}))),
  });
