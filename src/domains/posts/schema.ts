import { countEach } from '../../db/count.js';
import type { Context } from '../../context.js';
import { builder, type Types } from '../../graphql/builder.js';
import { childPage, connectionType, listPage, nodeQuery } from '../../graphql/connection.js';
import { Prisma, type Post as PostRow } from '../../db/generated/prisma/client.js';
import { notFound } from '../../errors.js';
import { decodeId, decodeIds, encodeId } from '../../graphql/ids.js';
import { headFirst, heads } from '../../graphql/heads.js';
import { bodyHtml } from '../../graphql/html.js';
import { batched } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import { LOOKED_UP, pagePrice, READ } from '../../graphql/price.js';
import { headCursor } from '../../realtime/cursor.js';
import { markdownText } from '../../graphql/text.js';
import { viewerCan } from '../../graphql/viewer-can.js';
import { isUsername, usernameKey } from '../account/rules.js';
import { viewerOf } from '../../access/viewer.js';
import { User, UserConnection } from '../account/schema.js';
import { likersOfPost } from '../likes/schema.js';
import { viewerLikes } from '../likes/likes.js';
import { countFeed, postsOfFeed } from './feed.js';
import { likePost, unlikePost } from './likes.js';
import { can } from './rules.js';
import { createPost, deletePost, findPost, newestFirst, notDeleted, updatePost } from './posts.js';
import { commentCount, commentLog, feedLog, likeCount, type Count } from './topics.js';

const MAX_POST = 10_000;
const postText = markdownText(1, MAX_POST);

export const commentHead = heads(commentLog);
export const feedHead = heads(feedLog);

const hasLiked = viewerLikes('post');

const postCount = batched(
  ({ db }, authorIds) =>
    countEach(db.prisma, authorIds, (id) => Prisma.sql`SELECT 1 FROM post WHERE author_id = ${id} AND deleted_at IS NULL`),
  0,
);

// ---------------------------------------------------------------- types

export const Post = builder.prismaObject('Post', {
  description: 'A short text that a user has published to everyone.',
  fields: (t) => ({
    body: t.exposeString('body', { description: 'Its text, as Markdown; empty once it is deleted.' }),
    bodyHtml: t.string(bodyHtml),
    author: t.relation('author', { description: 'Who wrote it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    editedAt: t.expose('editedAt', { type: 'DateTime', nullable: true, description: 'When it was last edited; null if never.' }),
    deletedAt: t.expose('deletedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was deleted; null while it is there. Only its events show a deleted post.',
    }),
    likeCount: t.exposeInt('likeCount', { description: 'How many users like it.' }),
    commentCount: t.exposeInt('commentCount', { description: 'How many comments it has, without deleted ones.' }),
    viewerHasLiked: t.boolean({
      price: READ,
      description: 'Whether the viewer likes it; false for anyone not signed in.',
      resolve: async (post, _args, context) => post.deletedAt === null && (await hasLiked(context, post.id)),
    }),
    likers: t.field({
      type: UserConnection,
      description: 'Who likes it, the latest first.',
      args: t.arg.connectionArgs(),
      resolve: (post, args, context, info) =>
        likersOfPost(context, info, args, post.deletedAt === null ? post : { ...post, likeCount: 0 }, notDeleted),
    }),
    viewerCanEdit: t.boolean(viewerCan('edit', can.rules.edit)),
    viewerCanDelete: t.boolean(viewerCan('delete', can.rules.delete)),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The `clientId` it was created with.' }),
    commentCursor: t.string({
      price: READ,
      description: 'The position of its event log: follow `postEvents(after:)` or `commentAdded(after:)` from here.',
      resolve: async (post, _args, context) => headCursor(commentLog.name, post.id, await commentHead(context, post.id)),
    }),
  }),
});

builder.nodeRef<PostRow, string, typeof Post>(Post, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  // Whether the post is deleted is checked on the row: with a condition beside the id, Prisma would send a statement for each id of
  // `nodes(ids)`.
  loadWithoutCache: async (id, context, info) => {
    const post = await context.db.prisma.post.findUnique({ ...nodeQuery(context, info, 'Post'), where: { id } });
    return post?.deletedAt === null ? post : null;
  },
});

export const PostConnection = connectionType(Post, 'Post');

builder.prismaObjectFields(User, (t) => ({
  posts: t.field({
    type: PostConnection,
    description: 'What this user has posted, newest first.',
    args: t.arg.connectionArgs(),
    resolve: (user, args, context, info) =>
      childPage(context, info, args, {
        list: { model: 'User', relation: 'posts', where: notDeleted },
        parentId: user.id,
        keyset: newestFirst,
        count: postCount,
      }),
  }),
}));

// ---------------------------------------------------------------- queries

/** To find out whose posts are on a page of a feed, in rows. */
const FEED = 100;

builder.queryField('post', (t) =>
  t.prismaField({
    price: READ,
    type: Post,
    nullable: true,
    description: 'The post with this id; null when there is none, or it was deleted.',
    args: { id: t.arg.id({ required: true, description: 'The id of the post.' }) },
    resolve: (query, _root, { id }, { db }) =>
      db.prisma.post.findUnique({ ...query, where: { id: decodeId('Post', id, 'id'), ...notDeleted } }),
  }),
);

builder.queryField('posts', (t) =>
  t.field({
    type: PostConnection,
    nullable: true,
    description: 'All posts, newest first.',
    args: { ...t.arg.connectionArgs(), author: t.arg.string({ description: 'Only those of the user with this username.' }) },
    resolve: (_root, args, context, info) => {
      const { author } = args;
      const isNobody = author ? !isUsername(author) : false;
      const where = { ...notDeleted, ...(author ? { author: { usernameKey: usernameKey(author) } } : {}) };
      return listPage(context, info, args, {
        keyset: newestFirst,
        list: isNobody ? null : { model: 'Post', where },
      });
    },
  }),
);

builder.queryField('feed', (t) =>
  t.field({
    // Of each followed author the first post is looked at.
    price: (args) => {
      const { own = 0, ...price } = pagePrice(args);
      return { ...price, own: own + FEED };
    },
    type: PostConnection,
    nullable: true,
    authScopes: { signedIn: true },
    description:
      "The posts of those whom the viewer follows, and the viewer's own, newest first. `Me.feedCursor` in the same operation is no newer.",
    args: t.arg.connectionArgs(),
    resolve: async (_root, args, context, info) => {
      await headFirst(feedHead, context, info, viewerOf(context).id);
      return await listPage(context, info, args, {
        keyset: newestFirst,
        list: { model: 'Post', where: notDeleted, among: (part) => postsOfFeed(context, part) },
        count: () => countFeed(context),
      });
    },
  }),
);

// ---------------------------------------------------------------- mutations

/** The field `post` of a payload; a deleted post is shown as a tombstone. */
export const postOf = <Payload extends { readonly postId: string }>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>,
  description: string,
) =>
  t.prismaField({
    type: Post,
    price: LOOKED_UP,
    description,
    resolve: (query, payload, _args, { db }) => db.prisma.post.findUniqueOrThrow({ ...query, where: { id: payload.postId } }),
  });

mutation('createPost', {
  description: 'Publishes a post.',
  access: 'signedIn',
  scope: 'WRITE_POSTS',
  limit: 'post',
  repeats: 'row',
  input: {
    description: 'The post to publish.',
    fields: (t) => ({
      body: t.string({ required: true, check: postText, description: `Its text, as Markdown; 1 to ${MAX_POST} characters.` }),
    }),
  },
  run: async (input, context) => ({ post: await createPost(context, input) }),
  payload: {
    description: 'The new post.',
    fields: (t) => ({ post: t.field({ type: Post, description: 'The post.', resolve: ({ post }) => post }) }),
  },
});

mutation('updatePost', {
  description: "Edits one of the viewer's posts.",
  access: 'signedIn',
  scope: 'WRITE_POSTS',
  input: {
    description: 'The post to edit, and its new text.',
    fields: (t) => ({
      id: t.id({ required: true, idOf: 'Post', description: 'The post.' }),
      body: t.string({ required: true, check: postText, description: `Its new text; 1 to ${MAX_POST} characters.` }),
    }),
  },
  run: async (input, context) => ({ post: await updatePost(context, input) }),
  payload: {
    description: 'The edited post.',
    reloaders: { post: findPost },
    fields: (t) => ({ post: t.field({ type: Post, description: 'The post.', resolve: ({ post }) => post }) }),
  },
});

mutation('deletePost', {
  description: "Deletes a post with its comments and likes: the viewer's own, or for moderators anyone's.",
  access: 'signedIn',
  scope: 'WRITE_POSTS',
  input: {
    description: 'The post to delete.',
    fields: (t) => ({ id: t.id({ required: true, idOf: 'Post', description: 'The post.' }) }),
  },
  run: async ({ id }, context) => {
    await deletePost(context, { id });
    return { postId: id };
  },
  payload: {
    description: 'The deleted post.',
    fields: (t) => ({
      postId: t.id({ description: 'The id of the deleted post.', resolve: ({ postId }) => encodeId('Post', postId) }),
      post: postOf(t, 'What is left of the post: empty, with its `deletedAt`. No query returns it any more.'),
    }),
  },
});

for (const [name, act, description] of [
  ['likePost', likePost, 'Likes a post. Liking twice is liking once.'],
  ['unlikePost', unlikePost, 'Takes a like back. Nothing changes where there is none.'],
] as const) {
  mutation(name, {
    description,
    access: 'signedIn',
    scope: 'WRITE_POSTS',
    input: {
      description: 'The post to like, or to like no longer.',
      fields: (t) => ({ postId: t.id({ required: true, idOf: 'Post', description: 'The post.' }) }),
    },
    run: ({ postId }, context) => act(context, postId),
    payload: {
      description: 'The post, and how many like it now.',
      fields: (t) => ({
        // The post is read only when it is selected: many users may like one post at once, and the count is in memory.
        post: postOf(t, 'The post.'),
        likeCount: t.int({ description: 'How many users like it now.', resolve: ({ count }) => count }),
        version: t.int({
          description:
            'The version of `likeCount`, as `likeCountChanged` gives it: of two numbers, the one with the higher version is the newer.',
          resolve: ({ version }) => version,
        }),
      }),
    },
  });
}

// ---------------------------------------------------------------- live

/** The most posts that one subscription follows. */
const MAX_FOLLOWED = 100;

/** Those of the posts that are there. @throws BAD_USER_INPUT for none, too many or what is no id of a post; NOT_FOUND when none is there */
const presentPosts = async ({ db }: Context, ids: readonly string[]): Promise<string[]> => {
  const keys = decodeIds('Post', ids, 'ids', { min: 1, max: MAX_FOLLOWED });
  const posts = await db.prisma.post.findMany({ where: { id: { in: keys }, ...notDeleted }, select: { id: true } });
  if (posts.length === 0) throw notFound('Post');
  return posts.map(({ id }) => id);
};

const counts = [
  ['LikeCount', 'likeCountChanged', 'likeCountsChanged', likeCount, 'likes'],
  ['CommentCount', 'commentCountChanged', 'commentCountsChanged', commentCount, 'comments'],
] as const;

for (const [typeName, fieldName, pluralName, topic, what] of counts) {
  const type = builder.objectRef<Count>(typeName).implement({
    description: `How many ${what} a post has.`,
    fields: (t) => ({
      postId: t.id({ description: 'The post.', resolve: ({ postId }) => encodeId('Post', postId) }),
      post: t.prismaField({
        type: 'Post',
        price: LOOKED_UP,
        description: 'The post.',
        resolve: (query, { postId }, _args, { db }) => db.prisma.post.findUniqueOrThrow({ ...query, where: { id: postId } }),
      }),
      count: t.exposeInt('count', { description: `The number of ${what}.` }),
      version: t.exposeInt('version', { description: 'Grows with every change of the count.' }),
    }),
  });
  builder.subscriptionField(fieldName, (t) =>
    t.topic({
      type,
      topic,
      description: `How many ${what} a post has: the present number at once, then every change. Changes in quick succession may be told as one; the last is always told.`,
      args: { postId: t.arg.id({ required: true, description: 'The post.' }) },
      authorize: async ({ postId }, context) => ({ keys: [(await findPost(context, decodeId('Post', postId, 'postId'))).id] }),
      resolve: (count) => count,
    }),
  );
  builder.subscriptionField(pluralName, (t) =>
    t.topic({
      type,
      topic,
      description: `The same for several posts, such as those on a page: the present number of each at once, then every change. Those that are not there are left out, and those that are deleted meanwhile end silently.`,
      args: { ids: t.arg.idList({ required: true, description: `The posts; 1 to ${MAX_FOLLOWED}.` }) },
      authorize: async ({ ids }, context) => ({ keys: await presentPosts(context, ids) }),
      resolve: (count) => count,
    }),
  );
}
