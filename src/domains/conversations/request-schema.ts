import { builder } from '../../graphql/builder.js';
import { batchedForViewer } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import { READ } from '../../graphql/price.js';
import { meField } from '../account/schema.js';
import { ownMembership } from './membership.js';
import { acceptRequest, awaitingAmong, declineRequest, MAX_REQUEST_MESSAGES } from './requests.js';
import { Conversation, conversationField } from './schema.js';

const isAwaited = batchedForViewer(({ db, viewer }, conversationIds) => awaitingAmong(db, viewer.id, conversationIds), false);

builder.prismaObjectFields(Conversation, (t) => ({
  isRequest: t.boolean({
    price: READ,
    description:
      'Whether a stranger has begun it and the viewer has not accepted it: it is not in their list, does not count as unread and notifies of nothing. Whoever writes in it accepts it.',
    resolve: async ({ id }, _args, context) => (await ownMembership(context, id))?.isRequest ?? false,
  }),
  awaitsAcceptance: t.boolean({
    price: READ,
    description: `Whether it is a request of the viewer's that the other one has not accepted: until then it takes ${MAX_REQUEST_MESSAGES} messages. It does not tell whether it was declined.`,
    resolve: ({ id }, _args, context) => isAwaited(context, id),
  }),
}));

mutation('acceptRequest', {
  description:
    "Accepts a conversation that a stranger has begun, also one that was declined before: it comes into the viewer's list, and what is unread in it counts. Accepting twice is accepting once.",
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  input: {
    description: 'The request to accept.',
    fields: (t) => ({ conversationId: t.id({ required: true, idOf: 'Conversation', description: 'The conversation.' }) }),
  },
  run: async ({ conversationId }, context) => {
    await acceptRequest(context, conversationId);
    return { id: conversationId };
  },
  payload: {
    description: "The conversation, which is in the viewer's list now.",
    fields: (t) => ({ conversation: conversationField(t), me: meField(t) }),
  },
});

mutation('declineRequest', {
  description:
    'Declines a conversation that a stranger has begun: it is in no list any more. The stranger is not told, and can send no more than before. `acceptRequest` takes it back.',
  access: 'signedIn',
  scope: 'WRITE_CONVERSATIONS',
  input: {
    description: 'The request to decline.',
    fields: (t) => ({ conversationId: t.id({ required: true, idOf: 'Conversation', description: 'The conversation.' }) }),
  },
  run: async ({ conversationId }, context) => {
    await declineRequest(context, conversationId);
    return { id: conversationId };
  },
  payload: {
    description: "The conversation, which is not in the viewer's lists any more.",
    fields: (t) => ({ conversation: conversationField(t), me: meField(t) }),
  },
});
