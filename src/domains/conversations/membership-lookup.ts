import type { MembershipLookup } from '../../context.js';
import { createCoalescer } from '../../db/coalesce.js';
import type { Database } from '../../db/database.js';

/** The most memberships that one statement looks up. */
const MOST_TOGETHER = 1_000;

interface Wanted {
  readonly conversationId: string;
  readonly userId: string;
}

const idOf = ({ conversationId, userId }: Wanted): string => `${conversationId}:${userId}`;

/**
 * Creates a lookup that answers all callers who ask while a statement runs by the next one. After a restart the subscriptions of thousands
 * of clients begin again within seconds.
 */
export const createMembershipLookup = ({ prisma }: Pick<Database, 'prisma'>): MembershipLookup => {
  const find = createCoalescer<Wanted, ReadonlyMap<string, boolean>>(async (_all, wanted) => {
    const rows = await prisma.$queryRaw<(Wanted & { readonly isMember: boolean })[]>`
      SELECT conversation.id AS "conversationId", wanted.user_id AS "userId", EXISTS (
        SELECT 1 FROM conversation_member member WHERE member.conversation_id = conversation.id AND member.user_id = wanted.user_id
      ) AS "isMember"
      FROM unnest(${wanted.map(({ conversationId }) => conversationId)}::uuid[], ${wanted.map(({ userId }) => userId)}::uuid[]) AS wanted(conversation_id, user_id)
      JOIN conversation ON conversation.id = wanted.conversation_id`;
    return new Map(rows.map((row) => [idOf(row), row.isMember]));
  }, MOST_TOGETHER);
  return async (conversationId, userId) => {
    const wanted = { conversationId, userId };
    return (await find('', wanted)).get(idOf(wanted)) ?? null;
  };
};
