/** Lyceum as it is built, with rooms that are full from the start, and what it does for a message. */
import { randomBytes, randomUUID } from 'node:crypto';
import type * as AppModule from '../../../src/process/app.js';
import type * as ConfigModule from '../../../src/config.js';
import type * as IdsModule from '../../../src/graphql/ids.js';
import { serve } from '../child.js';
import { cpuMs } from './contender.js';

const built = async <Module>(path: string): Promise<Module> =>
  (await import(new URL(`../../../dist/${path}`, import.meta.url).href)) as Module;
const { startApp } = await built<typeof AppModule>('process/app.js');
const { loadConfig } = await built<typeof ConfigModule>('config.js');
const { encodeId } = await built<typeof IdsModule>('graphql/ids.js');

let statements = 0;
const app = await startApp(loadConfig(process.env), { onStatement: () => (statements += 1) });
const { db, tokens } = app.services;

const CHUNK = 1_000;

interface Room {
  readonly conversationId: string;
  /** Of the first members, of whom the last one sends. */
  readonly tokens: readonly string[];
}

/** What has been done since the start. */
interface Work {
  readonly statements: number;
  readonly events: number;
  readonly cpuMs: number;
}

const people = async (count: number): Promise<string[]> => {
  const users = Array.from({ length: count }, () => randomUUID());
  for (let start = 0; start < count; start += CHUNK)
    await db.prisma.user.createMany({
      data: users.slice(start, start + CHUNK).map((id) => ({ id, username: id, usernameKey: id, displayName: 'Member' })),
    });
  return users;
};

const tokensOf = async (users: readonly string[]): Promise<string[]> =>
  await Promise.all(
    users.map(async (userId) => {
      const session = await db.prisma.session.create({
        data: { userId, refreshHash: randomBytes(32), expiresAt: new Date(Date.now() + 86_400_000) },
      });
      return (await tokens.issue({ userId, sessionId: session.id })).token;
    }),
  );

const handlers = {
  url: (): string => app.url,
  /** A room of so many members who have read everything, and the tokens of some. */
  room: async ({ members, connected }: { readonly members: number; readonly connected: number }): Promise<Room> => {
    const { prisma } = db;
    const users = await people(members);
    const conversationId = randomUUID();
    await prisma.conversation.create({ data: { id: conversationId, kind: 'ROOM', creatorId: users[0] ?? '', isLarge: members > 200 } });
    for (let start = 0; start < members; start += CHUNK)
      await prisma.conversationMember.createMany({ data: users.slice(start, start + CHUNK).map((userId) => ({ conversationId, userId })) });
    return { conversationId: encodeId('Conversation', conversationId), tokens: await tokensOf(users.slice(0, connected + 1)) };
  },
  /** Somebody with so many followers, and the tokens of some of these, with the author's own at the end. */
  author: async ({ followers, connected }: { readonly followers: number; readonly connected: number }): Promise<readonly string[]> => {
    const [author = '', ...others] = await people(followers + 1);
    for (let start = 0; start < others.length; start += CHUNK)
      await db.prisma.follow.createMany({
        data: others.slice(start, start + CHUNK).map((followerId) => ({ followerId, followeeId: author })),
      });
    return await tokensOf([...others.slice(0, connected), author]);
  },
  work: async (): Promise<Work> => {
    const before = statements;
    const events = await db.prisma.event.count({ where: { topic: { in: ['inbox', 'feed'] } } });
    statements = before;
    return { statements: before, events, cpuMs: cpuMs() };
  },
  /** Whether no job is left that tells of a message. */
  isIdle: async (): Promise<boolean> => {
    const before = statements;
    const left = await db.prisma.$queryRaw<unknown[]>`SELECT 1 FROM graphile_worker.jobs LIMIT 1`;
    statements = before;
    return left.length === 0;
  },
};

export type InboxServer = typeof handlers;

serve(handlers);
