import type { Cache } from '@urql/exchange-graphcache';
import { update, type AreaOfCache } from './area.js';
import { putBehind, putFirst, removeNode } from './lists.js';

interface OfPost {
  readonly id: string;
  readonly author: { readonly id: string };
}

interface Commented {
  readonly comment: { readonly id: string };
  readonly post: { readonly id: string };
}

const everyone = { owner: 'Query', field: 'posts', when: ({ author }: Readonly<Record<string, unknown>>) => !author } as const;

/** A post that is new: it stands first in every list that it belongs to. */
const putPost = (cache: Cache, { id, author }: OfPost): void => {
  const post = { __typename: 'Post', id };
  for (const list of [{ owner: 'Query', field: 'feed' }, everyone, { owner: { __typename: 'User', id: author.id }, field: 'posts' }])
    putFirst(cache, list, post);
};

const putComment = (cache: Cache, { comment, post }: Commented): void =>
  putBehind(cache, { owner: { __typename: 'Post', id: post.id }, field: 'comments' }, { __typename: 'Comment', id: comment.id });

const takeOut = (cache: Cache, id: string): void => {
  const post = { __typename: 'Post', id };
  for (const list of [{ owner: 'Query', field: 'feed' }, everyone]) removeNode(cache, list, post);
};

const likes = (cache: Cache, id: string): number => Number(cache.resolve({ __typename: 'Post', id }, 'likeCount') ?? 0);

/** What shows before the answer comes; it is taken back when there is none. */
const liked =
  (viewerHasLiked: boolean) =>
  ({ input }: Readonly<Record<string, unknown>>, cache: Cache) => {
    const { postId } = input as { readonly postId: string };
    const likeCount = Math.max(0, likes(cache, postId) + (viewerHasLiked ? 1 : -1));
    return {
      __typename: viewerHasLiked ? 'LikePostPayload' : 'UnlikePostPayload',
      post: { __typename: 'Post', id: postId, viewerHasLiked, likeCount },
    };
  };

/** Posts and their comments in the lists that have been read. */
export const postsInCache: AreaOfCache = {
  resolvers: {
    // Events of a post are the same for everyone who follows it, so they do not say what this viewer may do.
    Comment: {
      viewerCanEdit: (_parent, _args, cache, { parentKey }) => cache.resolve(parentKey, 'viewerCanEdit') ?? false,
      viewerCanDelete: (_parent, _args, cache, { parentKey }) => cache.resolve(parentKey, 'viewerCanDelete') ?? false,
    },
  },
  optimistic: { likePost: liked(true), unlikePost: liked(false) },
  updates: {
    Mutation: {
      createPost: update<{ readonly createPost: { readonly post: OfPost } | null }>(({ createPost }, _args, cache) => {
        if (createPost) putPost(cache, createPost.post);
      }),
      deletePost: update<{ readonly deletePost: { readonly postId: string } | null }>(({ deletePost }, _args, cache) => {
        if (deletePost) takeOut(cache, deletePost.postId);
      }),
      addComment: update<{ readonly addComment: Commented | null }>(({ addComment }, _args, cache) => {
        if (addComment) putComment(cache, addComment);
      }),
    },
    Subscription: {
      postEvents: update<{
        readonly postEvents: Partial<Commented> & { readonly __typename: string; readonly postId: string };
      }>(({ postEvents: { __typename, postId, comment, post } }, _args, cache) => {
        if (__typename === 'CommentAdded' && comment && post) putComment(cache, { comment, post });
        if (__typename === 'PostDeleted') takeOut(cache, postId);
      }),
    },
  },
};
