import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Services } from '../context.js';
import { Prisma } from '../db/generated/prisma/client.js';
import type { Tx } from '../db/transact.js';
import { uuid7 } from '../db/uuid.js';
import { DEMO_PASSWORD } from './users.js';
import { usernameKey } from '../domains/account/rules.js';
import { directKey } from '../domains/conversations/rules.js';
import { conversationLog } from '../domains/conversations/topics.js';
import { renderMissingTask } from '../domains/knowledge/entry-html.js';
import { readMarkdownFile, rewriteLinks, scanMarkdown, type MarkdownDocument } from '../domains/knowledge/markdown-files.js';
import { indexPages } from '../domains/knowledge/page-index.js';
import { nameKey } from '../texts/names.js';
import { tagColumns } from '../domains/knowledge/rules.js';
import { slugify } from '../domains/knowledge/slug.js';
import { commentCount, commentLog, likeCount } from '../domains/posts/topics.js';
import { hashPassword } from '../access/passwords.js';
import { fromRoot } from '../root.js';

/** `demo.json`, and the entries as Markdown files under `vault`. */
const SEED = fromRoot('prisma/seed/');

const DAY = 86_400_000;

/** The demo's calendar, in days before its making: when people join, and what they write when they have. */
const JOINING = { first: 64, every: 1.2 };
const ENTRIES = { from: 48, to: 0.8 };
const POSTS = { from: 45, to: 0.15 };

/** When the demo's users joined, in the order of the file. */
const joinedAt = (now: number, index: number): number => Math.round(now - (JOINING.first - index * JOINING.every) * DAY);

// ---------------------------------------------------------------- the files

const comment = z.strictObject({
  from: z.string(),
  text: z.string(),
  /** A name by which a later `re` of the same post or conversation answers this one. */
  key: z.string().optional(),
  re: z.string().optional(),
});

const demoFile = z.strictObject({
  users: z.array(
    z.strictObject({
      username: z.string(),
      displayName: z.string(),
      bio: z.string(),
      role: z.enum(['MEMBER', 'ADMIN']).default('MEMBER'),
    }),
  ),
  categories: z.array(z.strictObject({ name: z.string(), color: z.string(), description: z.string(), authors: z.array(z.string()) })),
  /** Paths in the vault. */
  featured: z.array(z.string()),
  follows: z.record(z.string(), z.array(z.string())),
  /** Oldest first. */
  posts: z.array(z.strictObject({ from: z.string(), text: z.string(), comments: z.array(comment).default([]) })),
  conversations: z.array(
    z.strictObject({
      kind: z.enum(['DIRECT', 'GROUP', 'ROOM']),
      title: z.string().optional(),
      joinCode: z.string().optional(),
      owner: z.string(),
      /** Who is there from the beginning, beside the owner. */
      members: z.array(z.string()),
      /** How many of the others' messages somebody has not read yet; all others have read everything. */
      unread: z.record(z.string(), z.number().int()),
      sessions: z.array(
        z.strictObject({
          daysAgo: z.number(),
          items: z.array(z.union([comment, z.strictObject({ joins: z.string() })])),
        }),
      ),
    }),
  ),
});

interface Demo extends z.infer<typeof demoFile> {
  /** With the addresses of entries as their links. */
  readonly vault: readonly (MarkdownDocument & { readonly slug: string })[];
}

const readDemo = async ({ markdown, clock }: Pick<Services, 'markdown' | 'clock'>): Promise<Demo> => {
  const folder = fileURLToPath(new URL('vault', SEED));
  const paths: string[] = [];
  for await (const path of scanMarkdown(folder)) paths.push(path);
  const [json, documents] = await Promise.all([
    readFile(new URL('demo.json', SEED), 'utf8'),
    Promise.all(paths.map((path) => readMarkdownFile(markdown, folder, path, clock.now()))),
  ]);
  const named = documents.map((document) => ({ ...document, slug: slugify(document.title), content: document.content.trim() }));
  const pages = indexPages(named.map((page) => ({ ...page, address: `/entries/${page.slug}` })));
  const rewritten = async (page: Demo['vault'][number]): Promise<Demo['vault'][number]> => {
    const content = await rewriteLinks(markdown, page.content, page.path, pages);
    return content === null ? page : { ...page, content };
  };
  return { ...demoFile.parse(JSON.parse(json)), vault: await Promise.all(named.map(rewritten)) };
};

// ---------------------------------------------------------------- the rows

/** Numbers from 0 to 1 that are the same in every demo (mulberry32): who likes what, and when. */
const createRandom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** What the rest of the plan draws on. Times are milliseconds since the epoch. */
interface Plan {
  readonly demo: Demo;
  readonly now: number;
  readonly random: () => number;
  /** @throws for a name in `demo.json` that no user has */
  readonly userId: (username: string) => string;
  readonly userIds: readonly string[];
}

const lookUp = <Value>(values: ReadonlyMap<string, Value>, key: string): Value => {
  const value = values.get(key);
  if (value === undefined) throw new Error(`The demo content has no "${key}".`);
  return value;
};

/** Each item of a list with a moment between two: in the list's order, at uneven distances. */
const spread = <Item>({ random }: Plan, items: readonly Item[], from: number, to: number): { readonly item: Item; readonly at: number }[] =>
  items.map((item, index) => ({ item, at: Math.round(from + ((index + random()) / items.length) * (to - from)) }));

/** Likes of a few people for most things and of nearly all for some, within the days after it was written. */
const likesOf = ({ random, userIds, now }: Plan, authorId: string, at: number): { readonly userId: string; readonly createdAt: Date }[] => {
  const popularity = 0.1 + 0.8 * random() ** 2;
  const window = Math.min(6 * DAY, now - at);
  return userIds
    .filter((userId) => userId !== authorId && random() < popularity)
    .map((userId) => ({ userId, createdAt: new Date(at + window * random() ** 2) }));
};

const planUsers = ({ demo, now, userId }: Plan, passwordHash: string): Prisma.UserCreateManyInput[] =>
  demo.users.map(({ username, ...profile }, index) => ({
    ...profile,
    id: userId(username),
    username,
    usernameKey: usernameKey(username),
    email: `${username}@lyceum.example`,
    emailKey: `${username}@lyceum.example`,
    emailVerifiedAt: new Date(joinedAt(now, index)),
    passwordHash,
    createdAt: new Date(joinedAt(now, index)),
  }));

const planFollows = ({ demo, now, random, userId }: Plan): Prisma.FollowCreateManyInput[] =>
  Object.entries(demo.follows).flatMap(([follower, followees]) =>
    followees.map((followee) => ({
      followerId: userId(follower),
      followeeId: userId(followee),
      createdAt: new Date(now - (2 + random() * 40) * DAY),
    })),
  );

const planKnowledge = (plan: Plan) => {
  const { demo, now, random, userId } = plan;
  const begin = now - ENTRIES.from * DAY;
  const categories = demo.categories.map(({ name, color, description }) => ({
    ...{ id: uuid7(begin), name, nameKey: nameKey(name), slug: slugify(name, 'category'), color, description },
    createdAt: new Date(begin),
  }));
  const categoryIds = new Map(categories.map(({ nameKey, id }) => [nameKey, id]));
  const authors = new Map(demo.categories.map((category) => [nameKey(category.name), category.authors]));

  const talk = JSON.stringify([demo.posts, demo.conversations]);
  const mentioned = new Set(Array.from(talk.matchAll(/\/entries\/([a-z0-9-]+)/g), ([, slug]) => slug));
  // In no order of subjects, but what people speak of is there before they do.
  const order = demo.vault
    .map((document) => ({ document, rank: mentioned.has(document.slug) ? -1 : random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ document }) => document);

  const likes: Prisma.EntryLikeCreateManyInput[] = [];
  const moments = spread(plan, order, begin, now - ENTRIES.to * DAY);
  const entries = moments.map(({ item, at }): Prisma.EntryCreateManyInput => {
    const { path, slug, title, content, tags, isPublic } = item;
    const category = nameKey(item.category ?? '');
    const writers = lookUp(authors, category);
    const authorId = userId(writers[Math.floor(random() * writers.length)] ?? '');
    const id = uuid7(at);
    const liked = likesOf(plan, authorId, at).map((like) => ({ ...like, entryId: id }));
    likes.push(...liked);
    return {
      ...{ id, title, content, ...tagColumns(tags), isPublic, authorId, slug, categoryId: lookUp(categoryIds, category) },
      isFeatured: demo.featured.includes(path),
      likeCount: liked.length,
      createdAt: new Date(at),
      updatedAt: new Date(at),
    };
  });
  return { categories, entries, likes };
};

const planPosts = (plan: Plan) => {
  const { demo, now, userId } = plan;
  const likes: Prisma.PostLikeCreateManyInput[] = [];
  const comments: (Prisma.CommentCreateManyInput & { readonly id: string })[] = [];
  const moments = spread(plan, demo.posts, now - POSTS.from * DAY, now - POSTS.to * DAY);
  const posts = moments.map(({ item, at }): Prisma.PostCreateManyInput => {
    const authorId = userId(item.from);
    const postId = uuid7(at);
    const liked = likesOf(plan, authorId, at).map((like) => ({ ...like, postId }));
    likes.push(...liked);
    const keys = new Map<string, string>();
    for (const { item: said, at: saidAt } of spread(plan, item.comments, at, at + Math.min(1.5 * DAY, now - at))) {
      const id = uuid7(saidAt);
      if (said.key !== undefined) keys.set(said.key, id);
      const replyToId = said.re === undefined ? null : lookUp(keys, said.re);
      const createdAt = new Date(saidAt);
      comments.push({ id, postId, authorId: userId(said.from), body: said.text, replyToId, createdAt });
    }
    return {
      ...{ id: postId, authorId, body: item.text },
      likeCount: liked.length,
      commentCount: item.comments.length,
      createdAt: new Date(at),
    };
  });
  return { posts, likes, comments };
};

type ConversationEvent =
  | { readonly kind: 'MemberJoined'; readonly conversationId: string; readonly userId: string }
  | { readonly kind: 'MessageAdded'; readonly conversationId: string; readonly messageId: string };

/**
 * The stream of a new conversation is numbered from 1 in the order of its events, so every seq is known here: of the messages,
 * and of how far each member has read.
 */
const planConversation = (plan: Plan, conversation: Demo['conversations'][number]) => {
  const { now, random, userId } = plan;
  const { kind, title = null, joinCode = null, owner, unread } = conversation;
  const begin = Math.round(now - Math.max(...conversation.sessions.map(({ daysAgo }) => daysAgo)) * DAY);
  const conversationId = uuid7(begin);
  const events: ConversationEvent[] = [];
  const messages: (Prisma.MessageCreateManyInput & { readonly seq: number })[] = [];
  const joined: { readonly username: string; readonly at: number; readonly seq: number }[] = [];
  const keys = new Map<string, string>();

  const join = (username: string, at: number): void => {
    const seq = events.push({ kind: 'MemberJoined', conversationId, userId: userId(username) });
    joined.push({ username, at, seq });
  };
  for (const username of [owner, ...conversation.members]) join(username, begin);
  let latest = begin;
  for (const { daysAgo, items } of conversation.sessions) {
    let at = Math.round(now - daysAgo * DAY);
    for (const item of items) {
      at += Math.round(15_000 + random() * 150_000);
      if ('joins' in item) {
        join(item.joins, at);
        continue;
      }
      const id = uuid7(at);
      if (item.key !== undefined) keys.set(item.key, id);
      const replyToId = item.re === undefined ? null : lookUp(keys, item.re);
      const seq = events.push({ kind: 'MessageAdded', conversationId, messageId: id });
      const createdAt = new Date(at);
      messages.push({ id, conversationId, authorId: userId(item.from), body: item.text, replyToId, seq, createdAt });
      latest = at;
    }
  }

  const members = joined.map(({ username, at, seq }): Prisma.ConversationMemberCreateManyInput => {
    const ofOthers = messages.filter(({ authorId }) => authorId !== userId(username));
    const firstUnread = ofOthers[ofOthers.length - (unread[username] ?? 0)];
    return {
      ...{ id: uuid7(at), conversationId, userId: userId(username), joinedAt: new Date(at) },
      role: username === owner && kind !== 'DIRECT' ? 'OWNER' : 'MEMBER',
      lastReadSeq: Math.max(seq, firstUnread ? firstUnread.seq - 1 : events.length),
    };
  });
  const [other] = conversation.members;
  const row: Prisma.ConversationCreateManyInput = {
    ...{ id: conversationId, kind, title, joinCode, creatorId: userId(owner) },
    directKey: kind === 'DIRECT' && other !== undefined ? directKey(userId(owner), userId(other)) : null,
    createdAt: new Date(begin),
    lastMessageAt: new Date(latest),
    activeAt: new Date(latest),
  };
  return { row, members, messages, events };
};

// ---------------------------------------------------------------- the writing

/** The same stream, without the projections: they would date it by now, and mark as unread what the plan knows to be read. */
const pastConversationLog: typeof conversationLog = { ...conversationLog, projections: undefined };
/** The same for comments, which get their seq and keep their time. */
const pastCommentLog: typeof commentLog = {
  ...commentLog,
  projections: [
    {
      of: ['CommentAdded'],
      sql: Prisma.sql`
        UPDATE comment SET seq = numbered.seq FROM numbered
        WHERE numbered.topic = 'comments' AND comment.id = (numbered.ref->>'commentId')::uuid`,
    },
  ],
};

const isEmpty = async ({ user, category }: Prisma.TransactionClient): Promise<boolean> => {
  const found = (await user.findFirst({ select: { id: true } })) ?? (await category.findFirst({ select: { id: true } }));
  return found === null;
};

/**
 * Fills an empty database, one without a user or a category, with the demo content; leaves any other as it is. Counters, events
 * and heads become what the mutations would have left behind.
 *
 * All of it is one transaction under a lock: processes that start at once seed once, and a seeding that is broken off
 * leaves nothing.
 */
export const seedDemoData = async (services: Pick<Services, 'db' | 'clock' | 'log' | 'markdown'>): Promise<void> => {
  const { db, clock, log } = services;
  // Asked first, to spare every later start the reading and the hashing; asked again under the lock.
  if (!(await isEmpty(db.prisma))) return;
  const [demo, passwordHash] = await Promise.all([readDemo(services), hashPassword(DEMO_PASSWORD)]);
  const now = clock.now();
  const ids = new Map(demo.users.map(({ username }, index) => [username, uuid7(joinedAt(now, index))]));
  const plan: Plan = {
    ...{ demo, now, random: createRandom(1) },
    userId: (username) => lookUp(ids, username),
    userIds: [...ids.values()],
  };
  const rows = {
    users: planUsers(plan, passwordHash),
    follows: planFollows(plan),
    knowledge: planKnowledge(plan),
    posts: planPosts(plan),
    conversations: demo.conversations.map((conversation) => planConversation(plan, conversation)),
  };
  const seed = (): Promise<'seeded' | 'not empty' | 'under way'> =>
    db.transact(
      async (tx) => {
        const [lock] = await tx.$queryRaw<
          [{ readonly isOurs: boolean }]
        >`SELECT pg_try_advisory_xact_lock(hashtextextended('demo data', 0)) AS "isOurs"`;
        if (!lock.isOurs) return 'under way';
        if (!(await isEmpty(tx))) return 'not empty';
        tx.enqueue(renderMissingTask, {}, { key: renderMissingTask.name });
        await write(tx, rows);
        return 'seeded';
      },
      { timeout: TIMEOUT_MS },
    );
  let outcome = await seed();
  // Waiting for the lock would be a statement, which may not take as long as a slow machine needs for all the others.
  for (; outcome === 'under way'; outcome = await seed()) await delay(RETRY_MS);
  const counts = { users: rows.users.length, entries: rows.knowledge.entries.length };
  if (outcome === 'seeded') log.info(counts, 'the database was empty and has demo data now');
};

/** How long the seeding may take, in milliseconds: a dozen large statements, on whatever machine is tried out first. */
const TIMEOUT_MS = 120_000;
/** How often it is looked whether another process has done it. */
const RETRY_MS = 100;

interface Rows {
  readonly users: ReturnType<typeof planUsers>;
  readonly follows: ReturnType<typeof planFollows>;
  readonly knowledge: ReturnType<typeof planKnowledge>;
  readonly posts: ReturnType<typeof planPosts>;
  readonly conversations: readonly ReturnType<typeof planConversation>[];
}

const write = async (tx: Tx, { users, follows, knowledge, posts, conversations }: Rows): Promise<void> => {
  await tx.user.createMany({ data: users });
  await tx.follow.createMany({ data: follows });

  await tx.category.createMany({ data: knowledge.categories });
  await tx.entry.createMany({ data: knowledge.entries });
  await tx.entryLike.createMany({ data: knowledge.likes });

  await tx.post.createMany({ data: posts.posts });
  await tx.postLike.createMany({ data: posts.likes });
  await tx.comment.createMany({ data: posts.comments });
  for (const { postId } of posts.likes) tx.emit(likeCount, postId);
  for (const { id, postId } of posts.comments) {
    tx.emit(pastCommentLog, postId, 'CommentAdded', { commentId: id });
    tx.emit(commentCount, postId);
  }

  await tx.conversation.createMany({ data: conversations.map(({ row }) => row) });
  await tx.conversationMember.createMany({ data: conversations.flatMap(({ members }) => members) });
  await tx.message.createMany({ data: conversations.flatMap(({ messages }) => messages) });
  for (const event of conversations.flatMap(({ events }) => events)) {
    const { kind, conversationId } = event;
    if (kind === 'MemberJoined') tx.emit(pastConversationLog, conversationId, kind, { userId: event.userId });
    else tx.emit(pastConversationLog, conversationId, kind, { messageId: event.messageId });
  }
};
