import { createOnce } from '../../db/client-id.js';
import type { Post } from '../../db/generated/prisma/client.js';
import type { Keyset } from '../../db/keyset.js';
import type { Context } from '../../context.js';
import { coded, notFound } from '../../errors.js';
import { viewerOf } from '../../viewer.js';
import { mayDelete, mayEdit } from './rules.js';

/** Newest first. */
export const newestFirst: Keyset<Pick<Post, 'id' | 'createdAt'>> = {
  name: 'posts',
  columns: [
    { field: 'createdAt', type: 'date', direction: 'desc', value: (post) => post.createdAt },
    { field: 'id', type: 'uuid', direction: 'desc', value: (post) => post.id },
  ],
};

/** @throws NOT_FOUND */
export const findPost = async (context: Context, id: string): Promise<Post> => {
  const post = await context.db.prisma.post.findUnique({ where: { id } });
  if (post === null) throw notFound('Post');
  return post;
};

export const createPost = async (
  context: Context,
  input: { readonly body: string; readonly clientId?: string | null | undefined },
): Promise<Post> => {
  const { prisma } = context.db;
  const authorId = viewerOf(context).id;
  return await createOnce(
    input.clientId,
    input,
    (clientId) => prisma.post.findUnique({ where: { authorId_clientId: { authorId, clientId } } }),
    (key) => prisma.post.create({ data: { body: input.body, authorId, ...key } }),
  );
};

/** @throws NOT_FOUND, FORBIDDEN for another's post */
export const updatePost = async (context: Context, input: { readonly id: string; readonly body: string }): Promise<Post> => {
  const post = await findPost(context, input.id);
  if (!mayEdit(viewerOf(context), post)) throw coded('FORBIDDEN', 'Only its author may edit a post.');
  return await context.db.prisma.post.update({ where: { id: post.id }, data: { body: input.body, editedAt: new Date(context.clock.now()) } });
};

/** With its likes and comments. @throws NOT_FOUND, FORBIDDEN */
export const deletePost = async (context: Context, input: { readonly id: string }): Promise<string> => {
  const post = await findPost(context, input.id);
  if (!mayDelete(viewerOf(context), post)) throw coded('FORBIDDEN', 'Only its author or a moderator may delete a post.');
  await context.db.prisma.post.deleteMany({ where: { id: post.id } });
  return post.id;
};
