import { PASSWORD, READ, WRITE } from '../../graphql/price.js';
import { mutation, okField } from '../../graphql/mutation.js';
import { builder } from '../../graphql/builder.js';
import { Audience, Me, meField } from '../account/schema.js';
import { anyPasswordText } from '../account/rules.js';
import { findOperation, latestOperation } from '../operations/operations.js';
import { Operation } from '../operations/schema.js';
import { deleteMyAccount } from './deletion.js';
import { exportMyData } from './export.js';
import { updatePrivacy } from './privacy.js';

mutation('exportMyData', {
  description:
    'Begins to write everything that is stored about the viewer into a ZIP of JSON and Markdown. Follow it by `operationChanged`: once it has succeeded, `Operation.file` is the ZIP, which is kept for some days. CONFLICT while one is being made; five in a day.',
  access: 'signedIn',
  scope: 'SESSION',
  beforeTerms: true,
  limit: 'exportMyData',
  audit: 'inside',
  input: { description: 'Nothing has to be given.', fields: () => ({}) },
  run: async (_input, context) => ({ operationId: (await exportMyData(context)).id }),
  payload: {
    description: 'The work that has begun.',
    fields: (t) => ({
      operation: t.field({
        type: Operation,
        price: READ,
        description: 'How far it is.',
        resolve: ({ operationId }, _args, context) => findOperation(context, operationId),
      }),
    }),
  },
});

builder.prismaObjectFields(Me, (t) => ({
  dataExport: t.field({
    type: Operation,
    nullable: true,
    price: READ,
    description: 'The last export of what is stored about the viewer; null when there was none in the last 30 days.',
    resolve: (_me, _args, context) => latestOperation(context, 'exportMyData'),
  }),
}));

mutation('deleteMyAccount', {
  description:
    'Deletes the account of the viewer for good. Their name, their mail address and all else that says who they are is gone at once, and so is every session; what they wrote and nobody relies on is removed within minutes, and the rest is that of a deleted user. CONFLICT for the last administrator.',
  access: 'signedIn',
  scope: 'SESSION',
  beforeTerms: true,
  repeats: 'never',
  audit: 'inside',
  price: { own: WRITE + PASSWORD },
  input: {
    description: 'The confirmation.',
    fields: (t) => ({
      password: t.string({ check: anyPasswordText, description: 'The present password, of an account that has one.' }),
    }),
  },
  run: async ({ password }, context) => {
    await deleteMyAccount(context, password);
    return { ok: true };
  },
  payload: { description: 'Confirms that the account is deleted.', fields: (t) => ({ ok: okField(t) }) },
});

// ---------------------------------------------------------------- who may do what

builder.prismaObjectFields(Me, (t) => ({
  messagesFrom: t.expose('messagesFrom', {
    type: Audience,
    description: 'Who may begin a direct conversation with the viewer, or add them to a group. Conversations that have begun go on.',
  }),
  isListed: t.exposeBoolean('isListed', { description: 'Whether the viewer is in the list of users, and found by searching in it.' }),
}));

mutation('updatePrivacy', {
  description: 'Sets what others may do and see of the viewer. What is left out stays.',
  access: 'signedIn',
  scope: 'SESSION',
  input: {
    description: 'What is to change.',
    fields: (t) => ({
      messagesFrom: t.field({
        type: Audience,
        description: 'Who may begin a direct conversation with the viewer, or add them to a group.',
      }),
      isListed: t.boolean({ description: 'Whether the viewer is in the list of users.' }),
      presenceVisibleTo: t.field({
        type: Audience,
        description: 'Who is shown whether the viewer is here, that they type, and how far they have read.',
      }),
      lastSeenVisibleTo: t.field({ type: Audience, description: 'Who of those is also shown when the viewer was here last.' }),
      appearsOffline: t.boolean({
        description:
          'Whether the viewer looks as if they were not here, to everyone and whatever the rest says. It holds until it is taken back.',
      }),
    }),
  },
  run: async (input, context) => {
    await updatePrivacy(context, input);
    return { ok: true };
  },
  payload: { description: 'The viewer.', fields: (t) => ({ ok: okField(t), me: meField(t) }) },
});
