import type { Context } from '../../context.js';
import { logPage } from '../../graphql/log-page.js';
import type { LogEvent } from '../../realtime/topic.js';
import { findAsMember } from './conversations.js';
import { conversationLog, type ConversationEvents } from './topics.js';

export type ConversationLogEvent = LogEvent<ConversationEvents>;

/**
 * The next events of a conversation of the viewer's, in order, as its subscribers get them.
 * @param after left out: from the oldest that is kept
 * @throws NOT_FOUND, FORBIDDEN, and what {@link logPage} throws
 */
export const pollConversation = async (
  context: Context,
  conversationId: string,
  page: { readonly after: string | null | undefined; readonly first: number },
): Promise<ConversationLogEvent[]> => {
  await findAsMember(context, conversationId);
  return await logPage(context.db.prisma, conversationLog, conversationId, page);
};
