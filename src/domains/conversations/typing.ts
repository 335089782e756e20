import type { Clock } from '../../clock.js';
import type { Context } from '../../context.js';
import type { Hub } from '../../realtime/hub.js';
import { assertNotApart, findAsMember } from './conversations.js';
import { typingTopic } from './topics.js';

/** How long one who says nothing more is taken to be typing, in milliseconds. */
const TYPING_EXPIRES_MS = 6_000;

/** How often the others are told that one goes on typing: often enough that one lost signal ends nothing. In milliseconds. */
const TYPING_RENEWED_MS = 2_500;

/**
 * Who is typing where, as far as this process has heard: a short memory, nothing is kept. Each process forgets by itself whoever has gone
 * silent, so nobody types for ever because the process that told of them has died.
 */
interface Memory {
  /** Whether it is time to tell the others that somebody types, for the first time or again. */
  readonly isDue: (conversationId: string, userId: string) => boolean;
  /** What somebody has told, through this process or another. @returns whether that is a change */
  readonly hear: (conversationId: string, userId: string, isTyping: boolean) => boolean;
  /** Who is typing, whoever began first coming first. */
  readonly typists: (conversationId: string) => readonly string[];
}

interface Typist {
  heardAt: number;
  readonly silence: NodeJS.Timeout;
}

/** @param onSilence is called when somebody is forgotten without having said that they stopped */
const createMemory = (clock: Clock, onSilence: (conversationId: string, userId: string) => void): Memory => {
  const conversations = new Map<string, Map<string, Typist>>();

  const forget = (conversationId: string, userId: string): boolean => {
    const typists = conversations.get(conversationId);
    const typist = typists?.get(userId);
    if (typists === undefined || typist === undefined) return false;
    clearTimeout(typist.silence);
    typists.delete(userId);
    if (typists.size === 0) conversations.delete(conversationId);
    return true;
  };

  return {
    isDue: (conversationId, userId) => {
      const typist = conversations.get(conversationId)?.get(userId);
      return typist === undefined || clock.now() - typist.heardAt >= TYPING_RENEWED_MS;
    },
    hear: (conversationId, userId, isTyping) => {
      if (!isTyping) return forget(conversationId, userId);
      const typists = conversations.get(conversationId) ?? new Map<string, Typist>();
      const typist = typists.get(userId);
      if (typist !== undefined) {
        typist.heardAt = clock.now();
        typist.silence.refresh();
        return false;
      }
      const silence = setTimeout(() => {
        if (forget(conversationId, userId)) onSilence(conversationId, userId);
      }, TYPING_EXPIRES_MS).unref();
      conversations.set(conversationId, typists.set(userId, { heardAt: clock.now(), silence }));
      return true;
    },
    typists: (conversationId) => [...(conversations.get(conversationId)?.keys() ?? [])],
  };
};

/** By the hub of each process, which hears of those who type elsewhere. */
const memories = new WeakMap<Hub, Memory>();

const memoryOf = ({ hub, clock }: Pick<Context, 'hub' | 'clock'>): Memory => {
  const known = memories.get(hub);
  if (known) return known;
  // Every process tells those who listen to it, so nobody is told twice.
  const memory = createMemory(clock, (conversationId, userId) =>
    hub.publishLocally(typingTopic, conversationId, { userId, isTyping: false }),
  );
  memories.set(hub, memory);
  hub.overhear(typingTopic, (conversationId, { userId, isTyping }) => memory.hear(conversationId, userId, isTyping));
  return memory;
};

/**
 * Tells the other members that the viewer types, at once and then now and again while they go on, or that they have stopped. Best effort,
 * and nothing is kept; who says nothing more for a while is taken to have stopped.
 * @throws NOT_FOUND, FORBIDDEN, also in a direct conversation of two who are kept apart
 */
export const setTyping = async (context: Context, conversationId: string, isTyping: boolean): Promise<void> => {
  const found = await findAsMember(context, conversationId);
  await assertNotApart(context, found);
  const { userId } = found.member;
  if (!isTyping) {
    stopTyping(context, conversationId, userId);
    return;
  }
  const memory = memoryOf(context);
  if (!memory.isDue(conversationId, userId)) return;
  memory.hear(conversationId, userId, true);
  context.hub.publish(typingTopic, conversationId, { userId, isTyping: true });
};

/** Whoever has sent what they typed, or has left, types no more; nothing is told of one who did not type. */
export const stopTyping = (context: Pick<Context, 'hub' | 'clock'>, conversationId: string, userId: string): void => {
  if (memoryOf(context).hear(conversationId, userId, false)) context.hub.publish(typingTopic, conversationId, { userId, isTyping: false });
};

/** Remembers from now on who types in the conversations that are followed here. */
export const rememberTyping = (context: Pick<Context, 'hub' | 'clock'>): void => void memoryOf(context);

/** Who types in a conversation, as far as this process has heard, whoever began first coming first. */
export const typistsIn = (context: Pick<Context, 'hub' | 'clock'>, conversationId: string): readonly string[] =>
  memoryOf(context).typists(conversationId);
