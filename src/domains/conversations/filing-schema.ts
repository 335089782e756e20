import { builder } from '../../graphql/builder.js';
import type { Context } from '../../context.js';
import type { ConversationMember } from '../../db/generated/prisma/client.js';
import { mutation } from '../../graphql/mutation.js';
import { READ } from '../../graphql/price.js';
import { meField } from '../account/schema.js';
import {
  archiveConversation,
  markUnread,
  muteConversation,
  pinConversation,
  unarchiveConversation,
  unmuteConversation,
  unpinConversation,
} from './filing.js';
import { ownMembership } from './membership.js';
import { Conversation, conversationField } from './schema.js';

/** A field about how the viewer keeps a conversation; what anyone has who is no member, when there is no membership. */
const ofMember =
  <Value>(valueOf: (member: ConversationMember | null) => Value) =>
  async ({ id }: { readonly id: string }, _args: unknown, context: Context): Promise<Value> =>
    valueOf(await ownMembership(context, id));

builder.prismaObjectFields(Conversation, (t) => ({
  isArchived: t.boolean({
    price: READ,
    description:
      'Whether the viewer has archived it: it is in no list that does not ask for it, and comes back with the next message unless it is muted.',
    resolve: ofMember((member) => typeof member?.archivedSeq === 'number'),
  }),
  isMuted: t.boolean({
    price: READ,
    description:
      'Whether the viewer has muted it: its messages do not count in `UnreadCounts.messages`, do not bring it back from the archive, and notify of nothing but mentions.',
    resolve: ofMember((member) => member?.isMuted ?? false),
  }),
  mutedUntil: t.field({
    type: 'DateTime',
    price: READ,
    nullable: true,
    description: 'When the muting ends; null where it does not, or where it is not muted.',
    resolve: ofMember((member) => member?.mutedUntil ?? null),
  }),
  isPinned: t.boolean({
    price: READ,
    description: 'Whether the viewer has pinned it to the top of their list.',
    resolve: ofMember((member) => typeof member?.pinnedAt?.getTime() === 'number'),
  }),
  pinnedAt: t.field({
    type: 'DateTime',
    price: READ,
    nullable: true,
    description: 'When the viewer has pinned it, which orders pinned ones; null where they have not.',
    resolve: ofMember((member) => member?.pinnedAt ?? null),
  }),
  isMarkedUnread: t.boolean({
    price: READ,
    description: 'Whether the viewer has marked it as unread, beside what is unread in it; `markRead` ends that.',
    resolve: ofMember((member) => member?.isMarkedUnread ?? false),
  }),
}));

interface Filing {
  readonly name: string;
  readonly description: string;
  readonly file: (context: Context, conversationId: string) => Promise<void>;
}

/** The mutations that need nothing but the conversation. */
const FILINGS: readonly Filing[] = [
  {
    name: 'archiveConversation',
    description:
      "Puts a conversation away, out of the viewer's list, until the next message in it. One that is muted stays away. A request is accepted or declined instead: BAD_USER_INPUT.",
    file: archiveConversation,
  },
  {
    name: 'unarchiveConversation',
    description: "Brings an archived conversation back into the viewer's list.",
    file: unarchiveConversation,
  },
  { name: 'unmuteConversation', description: 'Ends the muting of a conversation for the viewer.', file: unmuteConversation },
  { name: 'pinConversation', description: "Pins a conversation to the top of the viewer's list.", file: pinConversation },
  { name: 'unpinConversation', description: 'Takes a pinned conversation down again for the viewer.', file: unpinConversation },
  {
    name: 'markUnread',
    description: 'Marks a conversation as unread for the viewer, to come back to it. `markRead` ends that; the read position stays.',
    file: markUnread,
  },
];

const PAYLOAD = 'The conversation, as the viewer keeps it now.';

for (const { name, description, file } of FILINGS) {
  mutation(name, {
    description: `${description} All devices of the viewer are told by \`inboxChanged\`; doing it twice is doing it once.`,
    access: 'signedIn',
    scope: 'WRITE_CONVERSATIONS',
    input: {
      description: 'The conversation.',
      fields: (t) => ({
        conversationId: t.id({ required: true, idOf: 'Conversation', description: "One of the viewer's conversations." }),
      }),
    },
    run: async ({ conversationId }, context) => {
      await file(context, conversationId);
      return { id: conversationId };
    },
    payload: { description: PAYLOAD, fields: (t) => ({ conversation: conversationField(t), me: meField(t) }) },
  });
}

mutation('muteConversation', {
  description:
    'Mutes a conversation for the viewer, for ever or until a time: it does not count as unread, and notifies of nothing but mentions. Called again, it takes the new time. All devices of the viewer are told by `inboxChanged`.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  input: {
    description: 'The conversation, and until when.',
    fields: (t) => ({
      conversationId: t.id({ required: true, idOf: 'Conversation', description: "One of the viewer's conversations." }),
      until: t.field({ type: 'DateTime', description: 'When the muting ends, a time in the future; when left out or null, it does not.' }),
    }),
  },
  run: async ({ conversationId, until }, context) => {
    await muteConversation(context, conversationId, until ?? null);
    return { id: conversationId };
  },
  payload: { description: PAYLOAD, fields: (t) => ({ conversation: conversationField(t), me: meField(t) }) },
});
