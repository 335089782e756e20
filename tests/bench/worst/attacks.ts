/** What somebody would ask who wants a server to work: each kind of question, in any size. */
import { getIntrospectionQuery } from 'graphql';
import type { idAt } from '../../kit/full-database.js';
import { FULL, globalId, listOf } from '../../kit/full-database.js';
import type { Asked } from './stage.js';

export interface Attack {
  readonly name: string;
  readonly who: 'viewer' | 'nobody';
  /** The question in size `n`; the largest that is accepted is asked. */
  readonly of: (n: number) => Asked;
  /** The largest size, where the limits allow any. */
  readonly most?: number;
}

const times = (count: number, text: (n: number) => string): string => Array.from({ length: count }, (_, n) => text(n)).join(' ');
const aliases = (count: number, field: string): string => times(count, (n) => `a${n}: ${field}`);
const query = (selection: string): Asked => ({ query: `{ ${selection} }` });
/** So many aliases of a field of the users, posts … of a page. */
const ofPage = (list: string, field: string) => (n: number) => query(`${list} { nodes { ${aliases(n, field)} } }`);
const ids = (type: string, kind: Parameters<typeof idAt>[0] & Parameters<typeof globalId>[1], count: number): string[] =>
  Array.from({ length: count }, (_, n) => JSON.parse(globalId(type, kind, n)) as string);
const CONVERSATION = globalId('Conversation', 'conversation');

export const ATTACKS: readonly Attack[] = [
  { name: 'values of a page', who: 'nobody', of: ofPage('users(first: 100)', 'username') },
  { name: 'ids of a page', who: 'nobody', of: ofPage('users(first: 100)', 'id') },
  { name: 'times of a page', who: 'nobody', of: ofPage('users(first: 100)', 'createdAt') },
  { name: 'viewerFollows of a page', who: 'viewer', of: ofPage('users(first: 100)', 'viewerFollows') },
  { name: 'viewerHasLiked of a page', who: 'viewer', of: ofPage('posts(first: 100)', 'viewerHasLiked') },
  { name: 'commentCursor of a page', who: 'nobody', of: ofPage('posts(first: 100)', 'commentCursor') },
  { name: 'cursors of edges', who: 'nobody', of: (n) => query(`users(first: 100) { edges { ${aliases(n, 'cursor')} } }`) },
  {
    name: 'cursors of edges of comments',
    who: 'nobody',
    of: (n) => query(`post(id: ${globalId('Post', 'post')}) { comments(first: 100) { edges { ${aliases(n, 'cursor')} } } }`),
  },
  {
    name: 'text of notifications',
    who: 'viewer',
    of: (n) => query(`me { notifications(first: 100) { nodes { ${aliases(n, 'text')} } } }`),
  },
  {
    name: 'cursor of notifications',
    who: 'viewer',
    of: (n) => query(`me { notifications(first: 100) { nodes { ${aliases(n, 'cursor')} } } }`),
  },
  {
    name: 'subjects of notifications',
    who: 'viewer',
    of: (n) => query(`me { notifications(first: 100) { nodes { ${aliases(n, 'subject { id }')} } } }`),
  },
  {
    name: 'joinCode and cursors of conversations',
    who: 'viewer',
    of: (n) =>
      query(`me { conversations(first: 30) { nodes { ${times(n, (k) => `a${k}: joinCode b${k}: cursor c${k}: lastReadCursor`)} } } }`),
  },
  {
    name: 'lastReadCursor of members',
    who: 'viewer',
    of: (n) => query(`conversation(id: ${CONVERSATION}) { members(first: 45) { nodes { ${aliases(n, 'lastReadCursor')} } } }`),
  },
  { name: 'content of a page', who: 'nobody', of: ofPage('entries(first: 100)', 'content') },
  { name: 'contentHtml of a page', who: 'nobody', of: ofPage('entries(first: 100)', 'contentHtml') },
  { name: 'authors of a page', who: 'nobody', of: ofPage('posts(first: 100)', 'author { id }') },
  { name: 'presence of a page', who: 'nobody', of: ofPage('users(first: 100)', 'presence { status }') },
  { name: 'counts of a page', who: 'nobody', of: ofPage('users(first: 100)', 'followerCount') },
  { name: 'empty pages of a page', who: 'nobody', of: ofPage('posts(first: 100)', 'comments(first: 0) { __typename }') },
  {
    name: 'empty pages of followers, each after another cursor',
    who: 'nobody',
    of: (n) => query(`users(first: 100) { nodes { ${times(n, (k) => `a${k}: followers(first: 0) { pageInfo { hasNextPage } }`)} } }`),
  },
  {
    name: 'followers of followers of followers',
    who: 'nobody',
    of: (n) => query(`users(first: ${n}) { nodes { followers(first: ${n}) { nodes { followers(first: ${n}) { nodes { id } } } } } }`),
    most: 100,
  },
  {
    name: 'comments of posts of users, with authors',
    who: 'nobody',
    of: (n) =>
      query(
        `users(first: ${n}) { nodes { posts(first: ${n}) { nodes { comments(first: ${n}) { nodes { body author { username } } } } } } }`,
      ),
    most: 100,
  },
  {
    name: 'replies of comments of posts',
    who: 'nobody',
    of: (n) =>
      query(`posts(first: ${n}, last: null) { nodes { comments(first: ${n}) { nodes { replies(first: ${n}) { nodes { id } } } } } }`),
    most: 100,
  },
  {
    name: 'searches of entries',
    who: 'nobody',
    of: (n) => query(times(n, (k) => `a${k}: entries(first: 0, filter: { search: "Entry ${k}" }) { __typename }`)),
  },
  {
    name: 'searches of entries that find many',
    who: 'nobody',
    of: (n) =>
      query(
        times(
          n,
          (k) => `a${k}: entries(first: 0, filter: { search: "${['light', 'sugar', 'night', 'plants'][k % 4] ?? ''}" }) { __typename }`,
        ),
      ),
  },
  {
    name: 'searches of entries that find a thousand',
    who: 'nobody',
    of: (n) => query(times(n, (k) => `a${k}: entries(first: 0, filter: { search: "No. ${1 + (k % 2)}" }) { __typename }`)),
  },
  {
    name: 'searches of entries for a letter',
    who: 'nobody',
    of: (n) => query(times(n, (k) => `a${k}: entries(first: 0, filter: { search: "${'abcdefghij'[k % 10] ?? ''}" }) { __typename }`)),
  },
  {
    name: 'searches of users',
    who: 'nobody',
    of: (n) => query(times(n, (k) => `a${k}: users(first: 0, search: "user${k}") { __typename }`)),
  },
  {
    name: 'pages of entries of a category',
    who: 'nobody',
    of: (n) =>
      query(times(n, (k) => `a${k}: entries(first: 0, filter: { category: "category-${k % 50}", author: "user${k}" }) { __typename }`)),
  },
  { name: 'lists of tags', who: 'nobody', of: (n) => query(times(n, (k) => `a${k}: tags(search: "${k}")`)) },
  {
    name: 'counts of entries',
    who: 'nobody',
    of: (n) => query(times(n, (k) => `a${k}: entries(first: 0, filter: { tag: "tag${k % 7}" }) { totalCount }`)),
  },
  {
    name: 'counts of searches',
    who: 'nobody',
    of: (n) => query(times(n, () => '').concat(times(n, (k) => `a${k}: entries(first: 0, filter: { search: "light" }) { totalCount }`))),
  },
  {
    name: 'messages searched',
    who: 'viewer',
    of: (n) =>
      query(`conversation(id: ${CONVERSATION}) { ${times(n, (k) => `a${k}: messages(first: 0, search: "No. ${k}") { totalCount }`)} }`),
  },
  {
    name: 'messages searched in all conversations',
    who: 'viewer',
    of: (n) =>
      query(
        `me { conversations(first: 30) { nodes { ${times(n, (k) => `a${k}: messages(first: 0, search: "No. ${k}") { __typename }`)} } } }`,
      ),
  },
  {
    name: 'history searched',
    who: 'viewer',
    of: (n) => query(`me { ${times(n, (k) => `a${k}: messageHistory(first: 0, search: "No. ${k}") { __typename }`)} }`),
  },
  { name: 'unread counts', who: 'viewer', of: (n) => query(`me { ${aliases(n, 'unreadMessageCount')} }`) },
  {
    name: 'unread counts of conversations',
    who: 'viewer',
    of: (n) => query(`me { conversations(first: 30) { nodes { ${aliases(n, 'unreadCount')} } } }`),
  },
  {
    name: 'online counts of conversations',
    who: 'viewer',
    of: (n) => query(`me { conversations(first: 30) { nodes { ${aliases(n, 'onlineCount')} } } }`),
  },
  { name: 'devices', who: 'viewer', of: (n) => query(`me { ${aliases(n, 'deviceCount')} }`) },
  { name: 'preferences', who: 'viewer', of: (n) => query(`me { ${aliases(n, 'notificationPreferences { enabled }')} }`) },
  { name: 'feeds', who: 'viewer', of: (n) => query(aliases(n, 'feed(first: 0) { __typename }')) },
  { name: 'feeds of a hundred', who: 'viewer', of: (n) => query(aliases(n, 'feed(first: 100) { nodes { id } }')) },
  { name: 'counts of feeds', who: 'viewer', of: (n) => query(aliases(n, 'feed(first: 0) { totalCount }')) },
  { name: 'conversations', who: 'viewer', of: (n) => query(`me { ${aliases(n, 'conversations(first: 0) { __typename }')} }`) },
  { name: 'me, a hundred times', who: 'viewer', of: (n) => query(aliases(n, 'me { id }')) },
  { name: 'posts by id', who: 'nobody', of: (n) => query(times(n, (k) => `a${k}: post(id: ${globalId('Post', 'post', k)}) { body }`)) },
  { name: 'entries by slug', who: 'nobody', of: (n) => query(times(n, (k) => `a${k}: entry(slug: "entry-${k}") { title }`)) },
  { name: 'categories by name', who: 'nobody', of: (n) => query(times(n, (k) => `a${k}: category(slug: "Category ${k}") { name }`)) },
  { name: 'all categories', who: 'nobody', of: (n) => query(aliases(n, 'categories { id }')) },
  { name: 'rooms by code', who: 'nobody', of: (n) => query(aliases(n, 'room(code: "CCCC") { id }')) },
  {
    name: 'events of a conversation',
    who: 'viewer',
    of: (n) => query(aliases(n, `conversationEvents(conversationId: ${CONVERSATION}, first: 1) { cursor }`)),
  },
  {
    name: 'events of a conversation with messages',
    who: 'viewer',
    of: (n) =>
      query(
        aliases(
          n,
          `conversationEvents(conversationId: ${CONVERSATION}, first: 60) { ... on MessageAdded { message { id author { id } } } }`,
        ),
      ),
  },
  {
    name: 'users by their ids',
    who: 'nobody',
    of: (n) => ({ query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', variables: { ids: ids('User', 'user', n) } }),
    most: 10_000,
  },
  {
    name: 'posts by their ids, with authors',
    who: 'nobody',
    of: (n) => ({
      query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Post { author { id } } } }',
      variables: { ids: ids('Post', 'post', n) },
    }),
    most: 10_000,
  },
  {
    name: 'messages by their ids',
    who: 'viewer',
    of: (n) => ({ query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', variables: { ids: ids('Message', 'message', n) } }),
    most: 10_000,
  },
  {
    name: 'the same user by id, again and again',
    who: 'nobody',
    of: (n) => ({
      query: `query ($ids: [ID!]!) { ${aliases(100, 'nodes(ids: $ids) { id }')} }`,
      variables: { ids: Array(n).fill(ids('User', 'user', 1)[0]) },
    }),
    most: 1_000,
  },
  {
    name: 'ids that are none',
    who: 'nobody',
    of: (n) => ({
      query: `query ($ids: [ID!]!) { ${aliases(100, 'nodes(ids: $ids) { id }')} }`,
      variables: { ids: Array(n).fill('x'.repeat(200)) },
    }),
    most: 1_000,
  },
  {
    name: 'presences',
    who: 'nobody',
    of: (n) => query(aliases(n, `presence(userIds: ${listOf(50, (k) => globalId('User', 'user', k))}) { status }`)),
  },
  {
    name: 'introspections',
    who: 'nobody',
    of: (n) => query(aliases(n, '__schema { types { name fields { name description args { name type { name } } } } }')),
  },
  {
    name: 'the introspection of a tool',
    who: 'nobody',
    of: () => ({ query: getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true }) }),
    most: 1,
  },
  {
    name: 'one type, again and again',
    who: 'nobody',
    of: (n) =>
      query(
        aliases(
          n,
          '__type(name: "Query") { fields { name args { name type { ofType { ofType { name } } } } type { name ofType { name } } } }',
        ),
      ),
  },
  {
    name: 'possible types',
    who: 'nobody',
    of: (n) =>
      query(aliases(n, '__type(name: "Node") { possibleTypes { name fields { name description type { name ofType { name } } } } }')),
  },
  {
    name: 'names of types, as many as the fields allow',
    who: 'nobody',
    of: (n) => query(`users(first: 100) { nodes { ${aliases(n, '__typename')} } }`),
  },
  { name: 'names of types, root', who: 'nobody', of: (n) => query(times(n, (k) => `a${k}: __typename`)) },
  { name: 'the same field ten thousand times', who: 'nobody', of: (n) => query(`users(first: 100) { nodes { ${times(n, () => 'id')} } }`) },
  {
    name: 'fragments within fragments',
    who: 'nobody',
    of: (n) => ({
      query: `{ users(first: 20) { nodes { ...F0 } } } ${times(n, (k) => `fragment F${k} on User { ...F${k + 1} ...F${k + 1} b${k}: bio }`)} fragment F${n} on User { id }`,
    }),
    most: 12,
  },
  {
    name: 'fragments that each name many fields',
    who: 'nobody',
    of: (n) => ({
      query: `{ users(first: 100) { nodes { ${times(n, (k) => `...F${k}`)} } } } ${times(n, (k) => `fragment F${k} on User { ${times(20, (j) => (j < 10 ? 'id' : 'username'))} }`)}`,
    }),
    most: 400,
  },
  {
    name: 'fragments on every event',
    who: 'viewer',
    of: (n) =>
      query(
        `conversationEvents(conversationId: ${CONVERSATION}, first: ${n}) { ... on MessageAdded { message { reactions { emoji viewerHasReacted } mentions { id } author { followerCount } } } }`,
      ),
    most: 100,
  },
  {
    name: 'directives',
    who: 'nobody',
    of: (n) => query(`users(first: 100) { nodes { ${times(n, (k) => `a${k}: id @include(if: true)`)} } }`),
  },
  {
    name: 'messages with all that is of them',
    who: 'viewer',
    of: (n) =>
      query(
        `me { conversations(first: ${n}) { nodes { messages(first: ${n}) { nodes { mentions { id } reactions { count viewerHasReacted } replyTo { author { username } } } } } } }`,
      ),
    most: 100,
  },
  {
    name: 'a request of a megabyte',
    who: 'nobody',
    of: (n) => ({ query: 'query ($x: String) { users(search: $x) { __typename } }', variables: { y: Array(n).fill({ a: 1 }) } }),
    most: 110_000,
  },
  {
    name: 'a variable of a megabyte',
    who: 'nobody',
    of: (n) => ({ query: 'query ($x: [ID!]!) { presence(userIds: $x) { status } }', variables: { x: Array(n).fill(1) } }),
    most: 400_000,
  },
  {
    name: 'likes',
    who: 'viewer',
    of: (n) => ({
      query: `mutation { ${times(n, (k) => `a${k}: likePost(input: { postId: ${globalId('Post', 'post', k + 3)} }) { likeCount }`)} }`,
    }),
  },
  {
    name: 'messages sent',
    who: 'viewer',
    of: (n) => ({
      query: `mutation { ${times(n, (k) => `a${k}: sendMessage(input: { conversationId: ${globalId('Conversation', 'conversation', 10)}, body: "Hello @user${1 + (k % FULL.members)}" }) { message { id } }`)} }`,
    }),
  },
  {
    name: 'entries written',
    who: 'viewer',
    of: (n) => ({
      query: `mutation { ${times(n, (k) => `a${k}: createEntry(input: { title: "T ${k}", content: "Text", tags: ["a", "b"] }) { entry { id } }`)} }`,
    }),
  },
  {
    name: 'sign-ins',
    who: 'nobody',
    of: (n) => ({
      query: `mutation { ${times(n, (k) => `a${k}: login(input: { identifier: "nobody${k}", password: "wrong password" }) { user { id } }`)} }`,
    }),
  },
  {
    name: 'sign-ups',
    who: 'nobody',
    of: (n) => ({
      query: `mutation { ${times(n, (k) => `a${k}: register(input: { username: "attacker${n}x${k}", email: "a${n}x${k}@example.com", password: "some password" }) { user { id } }`)} }`,
    }),
  },
  {
    name: 'guests',
    who: 'nobody',
    of: (n) => ({
      query: `mutation { ${times(n, () => '')} ${times(n, (k) => `a${k}: joinAsGuest(input: { displayName: "G${k}" }) { user { id } }`)} }`,
    }),
  },
];
