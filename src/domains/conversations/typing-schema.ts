import { builder } from '../../graphql/builder.js';
import { decodeId, encodeId } from '../../graphql/ids.js';
import { mutation, okField } from '../../graphql/mutation.js';
import { STATEMENT } from '../../graphql/price.js';
import type { Signal } from '../../realtime/topic.js';
import { findUsers } from '../account/account.js';
import { User, userField } from '../account/schema.js';
import { assertMayFollow } from './conversations.js';
import { assertMember } from './membership.js';
import { Conversation } from './schema.js';
import { typingTopic } from './topics.js';
import { setTyping } from './typing.js';

type TypingSignal = Signal<{ readonly userId: string; readonly isTyping: boolean }>;

const Typing = builder.objectRef<TypingSignal>('Typing').implement({
  description: 'A member has begun to type, is still typing, or has stopped.',
  fields: (t) => ({
    conversationId: t.id({ description: 'The conversation.', resolve: ({ key }) => encodeId('Conversation', key) }),
    user: userField(t, 'The member.', ({ value }) => value.userId),
    isTyping: t.boolean({ description: 'Whether they are typing.', resolve: ({ value }) => value.isTyping }),
  }),
});

builder.prismaObjectFields(Conversation, (t) => ({
  typing: t.prismaField({
    type: [User],
    // Each conversation has its typists read by itself.
    price: { own: STATEMENT + 10, items: 10 },
    nullable: true,
    description:
      'Who is typing, except the viewer, in the order they began. Best effort: a server knows what it has heard of lately. For members only.',
    resolve: async (query, { id }, _args, context) => {
      const { userId: viewerId } = await assertMember(context, id);
      const typists = context.typing.typists(id).filter((userId) => userId !== viewerId);
      if (typists.length === 0) return [];
      const users = await findUsers(context.db, typists, query);
      return users.sort((a, b) => typists.indexOf(a.id) - typists.indexOf(b.id));
    },
  }),
}));

mutation('setTyping', {
  description:
    'Tells the other members that the viewer is typing, or has stopped, unless the viewer hides from one of them that they are here. Call it as often as you like: the others are told of each change, and from time to time while it goes on.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  limit: 'reading',
  input: {
    description: 'The conversation, and whether the viewer is typing in it.',
    fields: (t) => ({
      conversationId: t.id({ required: true, idOf: 'Conversation', description: 'The conversation.' }),
      isTyping: t.boolean({
        required: true,
        description: 'Say true again and again while typing goes on: after six seconds of silence it counts as over.',
      }),
    }),
  },
  run: async ({ conversationId, isTyping }, context) => {
    await setTyping(context, conversationId, isTyping);
    return { ok: true };
  },
  payload: {
    description: 'Confirms that the signal was taken.',
    fields: (t) => ({ ok: okField(t) }),
  },
});

builder.subscriptionField('typingChanged', (t) =>
  t.topic({
    type: Typing,
    topic: typingTopic,
    description:
      "Who types in one of the viewer's conversations, from now on; not told to the one who types. Best effort: none of it is kept.",
    args: { conversationId: t.arg.id({ required: true, description: 'The conversation.' }) },
    signedIn: true,
    authorize: async ({ conversationId }, context) => {
      const key = decodeId('Conversation', conversationId, 'conversationId');
      await assertMayFollow(context, key);
      return { key };
    },
    visible: (viewer, { value }) => viewer?.id !== value.userId,
    resolve: (signal) => signal,
  }),
);
