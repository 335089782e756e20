/** Mercurius with JIT, SQL written by hand, and a loader wherever a list would ask for each of its items. */
import fastify from 'fastify';
import { GraphQLScalarType } from 'graphql';
import { mercurius } from 'mercurius';
import { MUTATION_TYPES, mutationsFor } from './mutations.js';
import { rowsOf, tell, viewerBy, type Viewer } from './serving.js';
import { SQL } from './statements.js';

const SCHEMA = `
  scalar DateTime
  type User { id: ID! username: String! displayName: String! bio: String posts(first: Int!): [Post!]! }
  type Post {
    id: ID! body: String! createdAt: DateTime! likeCount: Int! commentCount: Int! viewerHasLiked: Boolean! author: User!
    comments(first: Int!): [Comment!]!
  }
  type Comment { id: ID! body: String! createdAt: DateTime! author: User! }
  type Entry {
    id: ID! title: String! slug: String! content: String! tags: [String!]! version: Int! likeCount: Int!
    createdAt: DateTime! updatedAt: DateTime! author: User!
  }
  type Conversation { id: ID! title: String lastMessageAt: DateTime unreadCount: Int! messages(last: Int!): [Message!]! }
  type Message { id: ID! body: String! seq: Int! createdAt: DateTime! author: User! }
  type Query {
    post(id: ID!): Post
    entry(id: ID!): Entry
    user(username: String!): User
    entries(first: Int!, category: String!, oldest: Boolean): [Entry!]!
    posts(first: Int!, after: String): [Post!]!
    feed(first: Int!): [Post!]!
    conversations(first: Int!): [Conversation!]!
  }
  ${MUTATION_TYPES}`;

interface Context {
  readonly viewer: Viewer | null;
}
interface Row {
  readonly id: string;
}
interface Authored extends Row {
  readonly authorId: string;
}
type Asked<Parent, Params = object> = readonly { readonly obj: Parent; readonly params: Params }[];

const viewerOf = ({ viewer }: Context): Viewer => {
  if (viewer === null) throw new Error('Sign in first.');
  return viewer;
};

const byId = <Item extends Row>(rows: readonly Item[]): ReadonlyMap<string, Item> => new Map(rows.map((row) => [row.id, row]));

const grouped = <Item>(rows: readonly Item[], keyOf: (row: Item) => string): ReadonlyMap<string, Item[]> => {
  const groups = new Map<string, Item[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
};

const author = async (asked: Asked<Authored>) => {
  const users = byId(await rowsOf<Row>('users', SQL.users, [[...new Set(asked.map(({ obj }) => obj.authorId))]]));
  return asked.map(({ obj }) => users.get(obj.authorId));
};

/** A loader of the lists of many parents, all of one length: those of one field of a document are. */
const lists =
  <Item extends object>(name: 'comments' | 'messages' | 'postsOfAuthors', keyOf: (row: Item) => string) =>
  async (asked: Asked<Row, { readonly first?: number; readonly last?: number }>) => {
    const { first, last } = asked[0]?.params ?? {};
    const groups = grouped(await rowsOf<Item>(name, SQL[name], [first ?? last, asked.map(({ obj }) => obj.id)]), keyOf);
    return asked.map(({ obj }) => groups.get(obj.id) ?? []);
  };

const LAST_PLACE = 'infinity,ffffffff-ffff-ffff-ffff-ffffffffffff';

const app = fastify();
await app.register(mercurius, {
  schema: SCHEMA,
  jit: 1,
  context: async (request): Promise<Context> => ({ viewer: await viewerBy(request.headers.authorization) }),
  resolvers: {
    DateTime: new GraphQLScalarType({ name: 'DateTime', serialize: (value) => (value as Date).toISOString() }),
    Query: {
      post: async (_: unknown, { id }: Row) => (await rowsOf('post', SQL.post, [id]))[0],
      entry: async (_: unknown, { id }: Row, { viewer }: Context) => (await rowsOf('entry', SQL.entry, [id, viewer?.id ?? null]))[0],
      user: async (_: unknown, { username }: { readonly username: string }) =>
        (await rowsOf('userByName', SQL.userByName, [username.toLowerCase()]))[0],
      entries: (
        _: unknown,
        { first, category, oldest = false }: { readonly first: number; readonly category: string; readonly oldest?: boolean },
        { viewer }: Context,
      ) => {
        const name = oldest ? 'entriesOldest' : 'entriesNewest';
        return rowsOf(name, SQL[name], [first, category, viewer?.id ?? null]);
      },
      posts: (_: unknown, { first, after }: { readonly first: number; readonly after?: string }) =>
        rowsOf('posts', SQL.posts, [first, ...(after ?? LAST_PLACE).split(',')]),
      feed: (_: unknown, { first }: { readonly first: number }, context: Context) =>
        rowsOf('feed', SQL.feed, [first, viewerOf(context).id]),
      conversations: (_: unknown, { first }: { readonly first: number }, context: Context) =>
        rowsOf('conversations', SQL.conversations, [first, viewerOf(context).id]),
    },
    Mutation: mutationsFor(viewerOf),
  } as never,
  loaders: {
    User: { posts: lists<Authored>('postsOfAuthors', ({ authorId }) => authorId) },
    Entry: { author },
    Comment: { author },
    Message: { author },
    Post: {
      author,
      comments: lists<{ readonly postId: string }>('comments', ({ postId }) => postId),
      viewerHasLiked: async (asked: Asked<Row>, { viewer }: Context) => {
        const liked = viewer === null ? [] : await rowsOf<Row>('liked', SQL.liked, [viewer.id, asked.map(({ obj }) => obj.id)]);
        const ids = byId(liked);
        return asked.map(({ obj }) => ids.has(obj.id));
      },
    },
    Conversation: {
      messages: lists<{ readonly conversationId: string }>('messages', ({ conversationId }) => conversationId),
      unreadCount: async (asked: Asked<Row>, context: Context) => {
        const counts = byId(
          await rowsOf<Row & { readonly count: number }>('unread', SQL.unread, [viewerOf(context).id, asked.map(({ obj }) => obj.id)]),
        );
        return asked.map(({ obj }) => counts.get(obj.id)?.count ?? 0);
      },
    },
  } as never,
});
await app.listen({ port: 0, host: '127.0.0.1' });
tell(app.server);
