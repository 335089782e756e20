import { builder } from '../../graphql/builder.js';
import { heads } from '../../graphql/heads.js';
import { encodeId } from '../../graphql/ids.js';
import { READ, STATEMENT } from '../../graphql/price.js';
import { headCursor } from '../../realtime/cursor.js';
import { conversationsAmong, conversationsOf, ownAmong } from '../conversations/conversations.js';
import { ConversationConnection, conversationPage } from '../conversations/schema.js';
import { announcementLog, EVERYONE, notificationLog } from '../notifications/topics.js';
import { feedLog } from '../posts/topics.js';
import { unreadField } from './schema.js';
import { MAX_CHANGED, syncSince, type Sync as SyncSince } from './sync.js';
import { inboxLog } from './topics.js';

const notificationHead = heads(notificationLog);
const announcementHead = heads(announcementLog);
const feedHead = heads(feedLog);

const Sync = builder.objectRef<SyncSince>('Sync').implement({
  description:
    'What a client that comes back needs: where each of its logs stands, what is unread, and what has changed in its list of conversations.',
  fields: (t) => ({
    cursor: t.string({
      description:
        'Where the inbox stands: follow `inboxChanged(after:)` from here, and sync after it the next time. All else here is at least as new.',
      resolve: ({ userId, head }) => headCursor(inboxLog.name, userId, head),
    }),
    complete: t.boolean({
      description: `Whether \`conversations\` and \`removedConversationIds\` are all that has changed since \`after\`. False without \`after\`, when it has expired, and when more than ${MAX_CHANGED} conversations or so have changed: then \`conversations\` is the list itself, which takes the place of the one that the client has.`,
      resolve: ({ changed }) => changed !== null,
    }),
    isExpired: t.boolean({
      description: 'Whether `after` can no longer be served: what came behind it is no longer kept, or the database was restored.',
      resolve: ({ isExpired }) => isExpired,
    }),
    unread: unreadField(t, 'What is unread.', ({ userId }) => userId),
    notificationCursor: t.string({
      price: READ,
      description: 'Where the notifications stand: follow `notificationAdded(after:)` from here.',
      resolve: async ({ userId }, _args, context) => headCursor(notificationLog.name, userId, await notificationHead(context, userId)),
    }),
    announcementCursor: t.string({
      price: READ,
      description: 'Where the announcements stand: follow `announcementAdded(after:)` from here.',
      resolve: async (_sync, _args, context) => headCursor(announcementLog.name, EVERYONE, await announcementHead(context, EVERYONE)),
    }),
    feedCursor: t.string({
      price: READ,
      description: 'Where the feed stands: follow `feedEvents(after:)` from here.',
      resolve: async ({ userId }, _args, context) => headCursor(feedLog.name, userId, await feedHead(context, userId)),
    }),
    conversations: t.field({
      type: ConversationConnection,
      description:
        'The conversations that have changed, the one with the latest message first, with those that are archived and with requests; or the list, when `complete` is false. Its cursors are those of `Me.conversations`.',
      args: t.arg.connectionArgs(),
      resolve: ({ userId, changed }, args, context, info) =>
        conversationPage(context, info, args, changed === null ? conversationsOf(userId) : conversationsAmong(userId, changed)),
    }),
    removedConversationIds: t.idList({
      price: { own: 1, once: STATEMENT },
      description: 'The conversations that the viewer is no longer in, or has declined.',
      resolve: async ({ userId, changed }, _args, context) => {
        if (changed === null || changed.length === 0) return [];
        const own = await ownAmong(context, userId, changed);
        return changed.filter((id) => !own.has(id)).map((id) => encodeId('Conversation', id));
      },
    }),
  }),
});

builder.queryField('sync', (t) =>
  t.field({
    type: Sync,
    price: { own: 20, once: 2 * STATEMENT },
    nullable: true,
    authScopes: { signedIn: true },
    description:
      'All that a client needs that comes back, in one request: its cursors, what is unread, and what has changed in its list of conversations. One subscription, `inboxChanged(after: sync.cursor)`, then keeps the list.',
    args: {
      after: t.arg.string({
        description:
          'The `cursor` of the sync before, or the one of the last event of `inboxChanged`; left out by a client that has nothing yet.',
      }),
    },
    resolve: (_root, { after }, context) => syncSince(context, after),
  }),
);
