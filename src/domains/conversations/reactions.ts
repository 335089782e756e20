import { z } from 'zod';
import type { Context } from '../../context.js';
import type { Message } from '../../db/generated/prisma/client.js';
import { byRecency } from '../../db/keyset.js';
import { badInput } from '../../errors.js';
import { batched, batchedForViewer } from '../../graphql/loaders.js';
import { viewerOf } from '../../access/viewer.js';
import { cannotTalk } from './membership.js';
import { lockMessage, alreadyDeleted } from './messages.js';
import { conversationLog } from './topics.js';

/** The most different emojis on a message, because every member sees all of them. */
export const MAX_EMOJIS = 20;

/** The longest emoji have 15 code points: a family with a tone of skin each. */
const MAX_EMOJI_LENGTH = 64;

/**
 * A single emoji of the set recommended for general interchange (RGI), fully qualified. The expressions are built from strings, because the
 * compiler knows the flag `v` only from ES2024 on.
 */
const EMOJI = new RegExp('^\\p{RGI_Emoji}$', 'v');
/** A character that is shown as text unless a variation selector or a tone of skin follows it. */
const TEXT_BY_DEFAULT = new RegExp('[\\p{Emoji}--\\p{Emoji_Presentation}](?!\\p{Emoji_Modifier})', 'gv');
const VARIATION_SELECTOR = '\ufe0f';

/**
 * The fully qualified form of an emoji (UTS 51, ED-18), so that those that mean the same are one reaction. Keyboards differ: some send ❤ as
 * U+2764 and some with the variation selector U+FE0F, some put a selector behind 👍, which needs none.
 */
const fullyQualified = (typed: string): string =>
  typed.replaceAll(VARIATION_SELECTOR, '').replaceAll(TEXT_BY_DEFAULT, `$&${VARIATION_SELECTOR}`);

const ONE_EMOJI = 'Must be exactly one emoji.';

/** Exactly one emoji, which becomes its fully qualified form. */
export const emojiText = z.string().max(MAX_EMOJI_LENGTH, ONE_EMOJI).transform(fullyQualified).pipe(z.string().regex(EMOJI, ONE_EMOJI));

export interface Reaction {
  readonly messageId: string;
  readonly emoji: string;
}

/**
 * Adds a reaction of the viewer; repeating it changes nothing. Reactions to one message run one after the other, because of the row's lock,
 * so the limit of emojis holds.
 * @throws NOT_FOUND, FORBIDDEN, CONFLICT for a deleted message, BAD_USER_INPUT for one more emoji than {@link MAX_EMOJIS}
 */
export const addReaction = async (context: Context, { messageId, emoji }: Reaction): Promise<Message> => {
  const userId = viewerOf(context).id;
  return await context.db.transact(async (tx) => {
    const { message, apart } = await lockMessage(tx, context, messageId);
    if (apart) throw cannotTalk();
    if (message.deletedAt !== null) throw alreadyDeleted();
    // The time is taken after the lock was granted, not at the start of the transaction, so the order of first use is the order of the
    // locks.
    const added = await tx.$executeRaw`
      INSERT INTO message_reaction (message_id, user_id, emoji, created_at)
      SELECT ${messageId}::uuid, ${userId}::uuid, ${emoji}::text, clock_timestamp()
      WHERE (SELECT count(DISTINCT emoji) FROM message_reaction WHERE message_id = ${messageId}::uuid AND emoji <> ${emoji}::text) < ${MAX_EMOJIS}
      ON CONFLICT DO NOTHING`;
    if (added > 0) tx.emit(conversationLog, message.conversationId, 'ReactionsChanged', { messageId });
    else if ((await tx.messageReaction.count({ where: { messageId, userId, emoji } })) === 0) {
      const message = `A message has at most ${MAX_EMOJIS} different reactions.`;
      throw badInput({ path: 'input.emoji', code: 'TOO_MANY', message, params: { max: MAX_EMOJIS } });
    }
    return message;
  });
};

/** Removes a reaction; a missing one is ignored. @throws NOT_FOUND, FORBIDDEN */
export const removeReaction = async (context: Context, { messageId, emoji }: Reaction): Promise<Message> => {
  const userId = viewerOf(context).id;
  return await context.db.transact(async (tx) => {
    const { message } = await lockMessage(tx, context, messageId);
    const { count } = await tx.messageReaction.deleteMany({ where: { messageId, userId, emoji } });
    if (count > 0) tx.emit(conversationLog, message.conversationId, 'ReactionsChanged', { messageId });
    return message;
  });
};

/** All reactions to a message with the same emoji. */
export interface ReactionGroup extends Reaction {
  readonly count: number;
}

/** The reactions to a message, ordered by the first use of each emoji. */
export const reactionGroups = batched<readonly ReactionGroup[]>(async ({ db }, messageIds) => {
  const groups = await db.prisma.$queryRaw<ReactionGroup[]>`
    SELECT message_id AS "messageId", emoji, count(*)::int AS count FROM message_reaction WHERE message_id = ANY(${messageIds}::uuid[])
    GROUP BY message_id, emoji ORDER BY min(created_at), emoji`;
  const byMessage = new Map<string, ReactionGroup[]>();
  for (const group of groups) byMessage.set(group.messageId, [...(byMessage.get(group.messageId) ?? []), group]);
  return byMessage;
}, []);

/** Who has reacted to a message with an emoji, the latest first. */
export const latestReactors = byRecency('reactors', 'userId');

/** The viewer's own reactions to a message. */
export const ownReactions = batchedForViewer<ReadonlySet<string>>(async ({ db, viewer }, messageIds) => {
  const reactions = await db.prisma.messageReaction.findMany({
    where: { userId: viewer.id, messageId: { in: [...messageIds] } },
    select: { messageId: true, emoji: true },
  });
  const byMessage = new Map<string, Set<string>>();
  for (const { messageId, emoji } of reactions) byMessage.set(messageId, (byMessage.get(messageId) ?? new Set()).add(emoji));
  return byMessage;
}, new Set());
