/** A comment with the replies to it, oldest first. */
export interface Thread<Comment> {
  readonly comment: Comment;
  readonly replies: readonly Thread<Comment>[];
}

interface InThread {
  readonly id: string;
  readonly replyTo: { readonly id: string } | null;
}

/**
 * The threads of comments that come oldest first. What replies to a comment is younger than it, so the comment is there already; a reply to one that is not
 * stands for itself.
 */
export const threadsOf = <Comment>(comments: readonly Comment[], read: (comment: Comment) => InThread): readonly Thread<Comment>[] => {
  const known = new Map<string, Thread<Comment>[]>();
  const top: Thread<Comment>[] = [];
  for (const comment of comments) {
    const { id, replyTo } = read(comment);
    const replies: Thread<Comment>[] = [];
    known.set(id, replies);
    ((replyTo && known.get(replyTo.id)) ?? top).push({ comment, replies });
  }
  return top;
};
