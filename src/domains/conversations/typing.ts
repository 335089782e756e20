import type { Context, Services, TypingMemory } from '../../context.js';
import type { Bus } from '../../realtime/bus.js';
import { rightsLog } from '../account/topics.js';
import { assertNotApart, findAsMember } from './conversations.js';
import { hidesFromMembers } from './membership.js';
import { typingTopic } from './topics.js';

/** After how long without a signal a user counts as having stopped, in milliseconds. */
const TYPING_EXPIRES_MS = 6_000;

/** The interval between signals while a user types, in milliseconds: short enough that one lost signal does not end it. */
const TYPING_RENEWED_MS = 2_500;

interface Typist {
  heardAt: number;
  readonly silence: NodeJS.Timeout;
  /** Ends listening to changes of their rights. */
  readonly leave: () => void;
}

/**
 * Creates the memory of who is typing, one for each process. It forgets users whose signals have stopped, so nobody types for ever after
 * the process that they were connected to has died, and those whose rights change, since they may have hidden themselves or be kept apart: whoever may
 * still be told hears of them with their next signal.
 */
export const createTypingMemory = ({
  hub,
  clock,
  bus,
}: Pick<Services, 'hub' | 'clock'> & { readonly bus: Pick<Bus, 'listen'> }): TypingMemory => {
  const conversations = new Map<string, Map<string, Typist>>();

  const forget = (conversationId: string, userId: string): boolean => {
    const typists = conversations.get(conversationId);
    const typist = typists?.get(userId);
    if (typists === undefined || typist === undefined) return false;
    clearTimeout(typist.silence);
    typist.leave();
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
      const end = (): void => {
        // Each process publishes the end to its own subscribers only, so nobody gets it twice.
        if (forget(conversationId, userId)) hub.publishLocally(typingTopic, conversationId, { userId, isTyping: false });
      };
      const silence = setTimeout(end, TYPING_EXPIRES_MS).unref();
      const leave = bus.listen(rightsLog.name, userId, end);
      conversations.set(conversationId, typists.set(userId, { heardAt: clock.now(), silence, leave }));
      return true;
    },
    typists: (conversationId) => [...(conversations.get(conversationId)?.keys() ?? [])],
  };
  // The memory also takes up signals from other processes, for conversations that are followed here.
  hub.overhear(typingTopic, (conversationId, { userId, isTyping }) => memory.hear(conversationId, userId, isTyping));
  return memory;
};

/**
 * Publishes that the viewer is typing, at once and then at intervals, or that they have stopped. It is best effort and nothing is stored;
 * without further signals the user counts as having stopped. Of a user who hides from any other member that they are here, nothing is told.
 * @throws NOT_FOUND, FORBIDDEN, also in a direct conversation whose users are separated by a block
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
  // Whoever types is here.
  if (await hidesFromMembers(context.db.prisma, found.member)) return;
  const isNew = context.typing.hear(conversationId, userId, true);
  // From here on a change of their rights is heard. What has changed while they were looked at was not.
  if (isNew && (await hidesFromMembers(context.db.prisma, found.member))) {
    context.typing.hear(conversationId, userId, false);
    return;
  }
  context.hub.publish(typingTopic, conversationId, { userId, isTyping: true });
};

/** Publishes that a user has stopped typing, because they have sent a message or left. It does nothing for a user who was not typing. */
export const stopTyping = ({ hub, typing }: Pick<Services, 'hub' | 'typing'>, conversationId: string, userId: string): void => {
  if (typing.hear(conversationId, userId, false)) hub.publish(typingTopic, conversationId, { userId, isTyping: false });
};
