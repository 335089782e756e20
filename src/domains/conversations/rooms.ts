import type { Context, Services } from '../../context.js';
import type { Database } from '../../db/database.js';
import type { Conversation } from '../../db/generated/prisma/client.js';
import { uuid7 } from '../../db/uuid.js';
import { badInput, coded, notFound } from '../../errors.js';
import { hashPassword, verifyPassword } from '../../access/passwords.js';
import { text } from '../../graphql/text.js';
import { viewerOf } from '../../access/viewer.js';
import { findAsMember } from './conversations.js';
import { parseJoinCode } from './join-codes.js';
import { assertOwner, holdAsOwner, lockMembership } from './members.js';
import { conversationLog } from './topics.js';

export const MIN_PASSCODE = 4;
export const MAX_PASSCODE = 64;

export const passcodeText = text(MIN_PASSCODE, MAX_PASSCODE, { singleLine: true });

/**
 * The room that somebody names by its code. One that opens nothing is a guess, of which an address and a user have some.
 * @param read reads it by its code
 * @throws NOT_FOUND, RATE_LIMITED
 */
export const findRoom = async <Room>(context: Context, typed: string, read: (joinCode: string) => Promise<Room | null>): Promise<Room> => {
  const joinCode = parseJoinCode(typed);
  if (joinCode === null) throw notFound('Room');
  const { viewer, client, limits } = context;
  const guessers = { roomCodeFromAddress: client.ip, ...(viewer === null ? {} : { roomCodeByUser: viewer.id }) };
  return await limits.guess(guessers, async () => {
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
 * Joining twice is joining once, and needs no passcode the second time. Whoever comes into a room that everyone has left becomes its owner.
 * @returns the room's id
 * @throws NOT_FOUND, BAD_USER_INPUT without the passcode of a room that has one, FORBIDDEN with a wrong one, RATE_LIMITED
 */
export const joinRoom = async (context: Context, input: JoinRoom): Promise<string> => {
  const { prisma } = context.db;
  const room = await findRoom(context, input.code, (joinCode) => prisma.conversation.findUnique({ where: { joinCode } }));
  const conversationId_userId = { conversationId: room.id, userId: viewerOf(context).id };
  if ((await prisma.conversationMember.count({ where: conversationId_userId })) > 0) return room.id;
  if (room.passcodeHash !== null) await assertPasscode(context, room.passcodeHash, input.passcode);
  // Who is not let in has come by another request at the same time, or the room has changed since it was found: both are asked anew.
  return (await enter(context, room)) ? room.id : await joinRoom(context, input);
};

const assertPasscode = async (context: Context, passcodeHash: string, passcode: string | null | undefined): Promise<void> => {
  if (passcode === null || passcode === undefined)
    throw badInput({ path: 'input.passcode', code: 'REQUIRED', message: 'The room has a passcode.' });
  await context.limits.guess({ passcodeFromAddress: context.client.ip, passcodeByUser: viewerOf(context).id }, async () => {
    if (!(await verifyPassword(passcodeHash, passcode))) throw coded('FORBIDDEN', 'The passcode is wrong.');
  });
};

/** @returns whether a room that still has this code and this passcode has got a new member */
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
    if (joined > 0) tx.emit(conversationLog, id, 'MemberJoined', { userId });
    return joined > 0;
  });
};

/**
 * Gives a room another passcode, or none. Those who are in it stay; whoever joins from here needs it.
 * @throws NOT_FOUND, FORBIDDEN for all but the owner, BAD_USER_INPUT for what is no room
 */
export const setRoomPasscode = async (context: Context, conversationId: string, passcode: string | null): Promise<void> => {
  // A hash is dear, so it is made for the owner alone, and before the lock, which others wait for.
  assertRoom(assertOwner(await findAsMember(context, conversationId)));
  const passcodeHash = passcode === null ? null : await hashPassword(passcode);
  await context.db.transact(async (tx) => {
    assertRoom(await holdAsOwner(tx, context, conversationId));
    await tx.conversation.update({ where: { id: conversationId }, data: { passcodeHash }, select: { id: true } });
  });
};

const assertRoom = ({ kind }: Conversation): void => {
  if (kind !== 'ROOM') throw badInput({ path: 'input.conversationId', code: 'NOT_ALLOWED', message: 'Only a room has a passcode.' });
};

// ---------------------------------------------------------------- the end of a room

const ARCHIVED_AT_ONCE = 500;

/** Archives the rooms that everyone has left long enough ago: nobody joins them any more, and their codes are free. */
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

/** Whoever joins does so before, and then the room is not empty, or after, and finds no such code. */
const archive = async (db: Database, id: string, archiveAfterMs: number): Promise<void> => {
  await db.transact(async (tx) => {
    await lockMembership(tx, id);
    await tx.$executeRaw`
      UPDATE conversation SET archived_at = now(), join_code = NULL, passcode_hash = NULL, empty_since = NULL
      WHERE id = ${id}::uuid AND empty_since <= now() - ${archiveAfterMs} * interval '1 millisecond'`;
  });
};
