import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../../context.js';
import type { Prisma, User } from '../../db/generated/prisma/client.js';
import { byRecency, type PageArgs } from '../../db/keyset.js';
import { linkedPage, type CountedConnection } from '../../graphql/connection.js';

/** What is liked, with the number of its likes. */
interface Liked {
  readonly id: string;
  readonly likeCount: number;
}

/** The latest like first. */
const latest = byRecency('likers', 'userId');

const partOf = ({ id, likeCount }: Liked) => ({ parentId: id, keyset: latest, count: () => Promise.resolve(likeCount) });

/** A page of the users who like a post, the latest first. @param parents the posts whose likes may be seen */
export const likersOfPost = (
  context: Context,
  info: GraphQLResolveInfo,
  args: PageArgs,
  post: Liked,
  parents: Prisma.PostWhereInput,
): Promise<CountedConnection<User>> =>
  linkedPage<'Post', 'likes', User>(context, info, args, {
    list: { model: 'Post', relation: 'likes', parents },
    node: 'user',
    ...partOf(post),
  });

/** A page of the users who like an entry, the latest first. */
export const likersOfEntry = (context: Context, info: GraphQLResolveInfo, args: PageArgs, entry: Liked): Promise<CountedConnection<User>> =>
  linkedPage<'Entry', 'likes', User>(context, info, args, { list: { model: 'Entry', relation: 'likes' }, node: 'user', ...partOf(entry) });
