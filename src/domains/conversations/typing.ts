import type { Context, Services, TypingMemory } from '../../context.js';
import { assertNotApart, findAsMember } from './conversations.js';
import { typingTopic } from './topics.js';

/** How long one who says nothing more is taken to be typing, in milliseconds. */
const TYPING_EXPIRES_MS = 6_000;

/** How often the others are told that one goes on typing: often enough that one lost signal ends nothing. In milliseconds. */
const TYPING_RENEWED_MS = 2_500;

interface Typist {
  heardAt: number;
  readonly silence: NodeJS.Timeout;
}

/**
 * The memory of one process. Each process forgets by itself whoever has gone silent, so nobody types for ever because the process that told of
 * them has died.
 */
export const createTypingMemory = ({ hub, clock }: Pick<Services, 'hub' | 'clock'>): TypingMemory => {
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

  const memory: TypingMemory = {
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
        // Every process tells those who listen to it, so nobody is told twice.
        if (forget(conversationId, userId)) hub.publishLocally(typingTopic, conversationId, { userId, isTyping: false });
      }, TYPING_EXPIRES_MS).unref();
      conversations.set(conversationId, typists.set(userId, { heardAt: clock.now(), silence }));
      return true;
    },
    typists: (conversationId) => [...(conversations.get(conversationId)?.keys() ?? [])],
  };
  // It hears of those who type elsewhere in the conversations that are followed here.
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
  if (!context.typing.isDue(conversationId, userId)) return;
  context.typing.hear(conversationId, userId, true);
  context.hub.publish(typingTopic, conversationId, { userId, isTyping: true });
};

/** Whoever has sent what they typed, or has left, types no more; nothing is told of one who did not type. */
export const stopTyping = ({ hub, typing }: Pick<Services, 'hub' | 'typing'>, conversationId: string, userId: string): void => {
  if (typing.hear(conversationId, userId, false)) hub.publish(typingTopic, conversationId, { userId, isTyping: false });
};
