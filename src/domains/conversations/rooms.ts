import type { Context, Services } from '../../context.js';
import type { Database } from '../../db/database.js';
import type { Conversation } from '../../db/generated/prisma/client.js';
import { uuid7 } from '../../db/uuid.js';
import { badInput, coded, notFound } from '../../errors.js';
import { hashPassword, verifyPassword } from '../../access/passwords.js';
import { text } from '../../graphql/text.js';
import { viewerOf } from '../../access/viewer.js';
import { findAsMember } from './conversations.js';
import { guessCode } from './code-guesses.js';
import { growLarge, tellUsers } from './inboxes.js';
import { parseJoinCode } from './join-codes.js';
import { assertOwner, lockAsOwner, lockMembership } from './members.js';
import { conversationLog } from './topics.js';

export const MIN_PASSCODE = 4;
export const MAX_PASSCODE = 64;

export const passcodeText = text(MIN_PASSCODE, MAX_PASSCODE, { singleLine: true });

/**
 * Finds a room by its code. A wrong code counts as a guess.
 * @param read reads the room by its code
 * @throws NOT_FOUND, RATE_LIMITED
 */
export const findRoom = async <Room>(context: Context, typed: string, read: (joinCode: string) => Promise<Room | null>): Promise<Room> => {
  const joinCode = parseJoinCode(typed);
  if (joinCode === null) throw notFound('Room');
  return await guessCode(context, 'ROOM', async () => {
    const room = await read(joinCode);
    if (room === null) throw notFound('Room');
    return room;
  });
};

export interface JoinRoom {
  readonly code: string;
  readonly passcode?: string | null | undefined;
}

/**
 * Joins a room. A member who joins again changes nothing and needs no passcode. A user who joins an empty room becomes its owner.
 * @returns the room's id
 * @throws NOT_FOUND, BAD_USER_INPUT without the passcode of a room that has one, FORBIDDEN with a wrong one, RATE_LIMITED
 */
export const joinRoom = async (context: Context, input: JoinRoom): Promise<string> => {
  const { prisma } = context.db;
  const room = await findRoom(context, input.code, (joinCode) => prisma.conversation.findUnique({ where: { joinCode } }));
  const conversationId_userId = { conversationId: room.id, userId: viewerOf(context).id };
  if ((await prisma.conversationMember.count({ where: conversationId_userId })) > 0) return room.id;
  if (room.passcodeHash !== null) await assertPasscode(context, room.passcodeHash, input.passcode);
  // When `enter` adds nobody, either a concurrent request has already added the viewer or the room has changed since it was read: the call
  // starts again.
  return (await enter(context, room)) ? room.id : await joinRoom(context, input);
};

const assertPasscode = async (context: Context, passcodeHash: string, passcode: string | null | undefined): Promise<void> => {
  if (passcode === null || passcode === undefined)
    throw badInput({ path: 'input.passcode', code: 'REQUIRED', message: 'The room has a passcode.' });
  await guessCode(context, 'PASSCODE', async () => {
    if (!(await verifyPassword(passcodeHash, passcode))) throw coded('FORBIDDEN', 'The passcode is wrong.');
  });
};

/** Adds the viewer to a room. @returns false when the room's code or passcode has changed, or the viewer is already a member */
const enter = async (context: Context, { id, joinCode, passcodeHash }: Conversation): Promise<boolean> => {
  const userId = viewerOf(context).id;
  return await context.db.transact(async (tx) => {
    await lockMembership(tx, id);
    const joined = await tx.$executeRaw`
      INSERT INTO conversation_member (id, conversation_id, user_id, role, joined_at)
      SELECT ${uuid7(context.clock.now())}::uuid, room.id, ${userId}::uuid,
        CASE WHEN EXISTS (SELECT 1 FROM conversation_member member WHERE member.conversation_id = room.id AND member.role = 'OWNER')
          THEN 'MEMBER'::member_role ELSE 'OWNER'::member_role END,
        clock_timestamp()
      FROM conversation room
      WHERE room.id = ${id}::uuid AND room.join_code = ${joinCode} AND room.passcode_hash IS NOT DISTINCT FROM ${passcodeHash}
      ON CONFLICT (conversation_id, user_id) DO NOTHING`;
    if (joined === 0) return false;
    tx.emit(conversationLog, id, 'MemberJoined', { userId });
    tellUsers(tx, id, 'CONVERSATION_ADDED', [userId]);
    await growLarge(tx, id);
    return true;
  });
};

/**
 * Sets or removes the passcode of a room. Members stay; users who join later need it.
 * @throws NOT_FOUND, FORBIDDEN for everyone but the owner, BAD_USER_INPUT for a conversation that is not a room
 */
export const setRoomPasscode = async (context: Context, conversationId: string, passcode: string | null): Promise<void> => {
  // Hashing is slow: it is done only for the owner, and before the lock, so that others do not wait for it.
  assertRoom(assertOwner(context, await findAsMember(context, conversationId)));
  const passcodeHash = passcode === null ? null : await hashPassword(passcode);
  await context.db.transact(async (tx) => {
    assertRoom(await lockAsOwner(tx, context, conversationId));
    await tx.conversation.update({ where: { id: conversationId }, data: { passcodeHash }, select: { id: true } });
  });
};

const assertRoom = ({ kind }: Conversation): void => {
  if (kind !== 'ROOM') throw badInput({ path: 'input.conversationId', code: 'NOT_ALLOWED', message: 'Only a room has a passcode.' });
};

// ---------------------------------------------------------------- the end of a room

const ARCHIVED_AT_ONCE = 500;

/** Archives rooms that have been empty for long enough: they can no longer be joined, and their codes become free. */
export const archiveEmptyRooms = async ({ db, config }: Pick<Services, 'db' | 'config'>): Promise<void> => {
  const { archiveAfterMs } = config.rooms;
  let rooms: readonly { readonly id: string }[];
  do {
    rooms = await db.prisma.$queryRaw`
      SELECT id FROM conversation WHERE empty_since <= now() - ${archiveAfterMs} * interval '1 millisecond'
      ORDER BY empty_since LIMIT ${ARCHIVED_AT_ONCE}`;
    for (const { id } of rooms) await archive(db, id, archiveAfterMs);
  } while (rooms.length === ARCHIVED_AT_ONCE);
};

/**
 * Archives a room under the membership lock. Example: A joins at the same moment; either A is first and the room is not empty, or the
 * archiving is first and A finds no room with this code.
 */
const archive = async (db: Database, id: string, archiveAfterMs: number): Promise<void> => {
  await db.transact(async (tx) => {
    await lockMembership(tx, id);
    await tx.$executeRaw`
      UPDATE conversation SET archived_at = now(), join_code = NULL, passcode_hash = NULL, empty_since = NULL
      WHERE id = ${id}::uuid AND empty_since <= now() - ${archiveAfterMs} * interval '1 millisecond'`;
  });
};
