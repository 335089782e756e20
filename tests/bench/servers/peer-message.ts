import { randomUUID } from 'node:crypto';
import { bodyOf } from '../event.js';

/** An event of the peers', as long as one of Lyceum's. */
export interface MessageAdded {
  readonly cursor: string;
  readonly message: {
    readonly id: string;
    readonly body: string;
    readonly createdAt: string;
    readonly author: { readonly id: string; readonly username: string };
  };
}

const idOf = (type: string): string => Buffer.from(`${type}:${randomUUID()}`).toString('base64url');
const author = { id: idOf('User'), username: 'author' };

export const messageOf = (ordinal: number): MessageAdded => ({
  cursor: Buffer.alloc(15, ordinal).toString('base64url'),
  message: { id: idOf('Message'), body: bodyOf(ordinal), createdAt: new Date().toISOString(), author },
});

export const SCHEMA = `
  type Query { ok: Boolean }
  type User { id: ID! username: String! }
  type Message { id: ID! body: String! createdAt: String! author: User! }
  type MessageAdded { cursor: String! message: Message! }
  type Subscription { messageAdded(conversationId: ID!, after: String): MessageAdded! }
`;
