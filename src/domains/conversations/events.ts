import type { Context } from '../../context.js';
import { logPage } from '../../graphql/log-page.js';
import type { LogEvent } from '../../realtime/topic.js';
import { findAsMember } from './conversations.js';
import { conversationLog, type ConversationEvents } from './topics.js';

export type ConversationLogEvent = LogEvent<ConversationEvents>;

/**
 * A page of the events of one of the viewer's conversations, in the order and form in which subscribers get them.
 * @param after a cursor; without it the page begins with the oldest event that is kept
 * @throws NOT_FOUND, and what {@link logPage} throws
 */
export const pollConversation = async (
  context: Context,
  conversationId: string,
  page: { readonly after: string | null | undefined; readonly first: number },
): Promise<ConversationLogEvent[]> => {
  await findAsMember(context, conversationId);
  return await logPage(context.db.prisma, conversationLog, conversationId, page);
};
