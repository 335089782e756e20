const keyOf = (owner: string, conversationId: string): string => `lyceum:draft:${owner}:${conversationId}`;

/** What somebody has begun to write in a conversation, kept in the browser. */
export const draftOf = (owner: string, conversationId: string): string => localStorage.getItem(keyOf(owner, conversationId)) ?? '';

export const keepDraft = (owner: string, conversationId: string, body: string): void => {
  const key = keyOf(owner, conversationId);
  if (body === '') localStorage.removeItem(key);
  else localStorage.setItem(key, body);
};
