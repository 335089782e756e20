import { z } from 'zod';
import type { Invitation as InvitationRow } from '../../db/generated/prisma/client.js';
import { byRecency } from '../../db/keyset.js';
import { builder } from '../../graphql/builder.js';
import { connectionType, listPage, nodeQuery } from '../../graphql/connection.js';
import { mutation } from '../../graphql/mutation.js';
import { text } from '../../graphql/text.js';
import { createInvitation, findInvitation, invitationUrl, isOpen, MAX_USES, revokeInvitation, visibleInvitations } from './invitations.js';
import { can } from './rules.js';

const MAX_NOTE = 200;

export const Invitation = builder.prismaObject('Invitation', {
  description: 'An invitation to make an account. Its code was shown once, to whoever has made it.',
  fields: (t) => ({
    note: t.exposeString('note', { nullable: true, description: 'What it is for, in the words of whoever has made it.' }),
    maxUses: t.exposeInt('maxUses', { description: 'How many accounts it is good for.' }),
    useCount: t.exposeInt('useCount', { description: 'How many have been made by it.' }),
    createdBy: t.relation('createdBy', { nullable: true, description: 'Who has made it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it ends.' }),
    revokedAt: t.expose('revokedAt', { type: 'DateTime', nullable: true, description: 'When it was taken back, if it was.' }),
    isOpen: t.boolean({
      description: 'Whether it can still be used.',
      resolve: (invitation, _args, { clock }) => isOpen(invitation, clock.now()),
    }),
  }),
});

builder.nodeRef<InvitationRow, string, typeof Invitation>(Invitation, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: async (id, context, info) =>
    context.viewer === null
      ? null
      : await context.db.prisma.invitation.findFirst({
          ...nodeQuery(context, info, 'Invitation'),
          where: { AND: [{ id }, visibleInvitations(context)] },
        }),
});

export const InvitationConnection = connectionType(Invitation, 'Invitation');

const RegistrationMode = builder.enumType('RegistrationMode', {
  description: 'Who may make an account.',
  values: {
    OPEN: { description: 'Anybody.' },
    INVITATION: { description: 'Whoever has an invitation.' },
    CLOSED: { description: 'Nobody.' },
  } as const,
});

const MODES = { open: 'OPEN', invitation: 'INVITATION', closed: 'CLOSED' } as const;

const Registration = builder.objectRef<object>('Registration').implement({
  description: 'How one comes in here.',
  fields: (t) => ({
    mode: t.field({
      type: RegistrationMode,
      description: 'Who may make an account.',
      resolve: (_root, _args, { config }) => MODES[config.accounts.registration],
    }),
    guests: t.boolean({
      description: 'Whether one may join with nothing but a name.',
      resolve: (_root, _args, { config }) => config.accounts.guests,
    }),
    viewerCanInvite: t.boolean({
      description: 'Whether the viewer may invite others.',
      resolve: (_root, _args, { viewer, config }) => can(viewer, 'invite', config.accounts),
    }),
  }),
});

builder.queryField('registration', (t) =>
  t.field({ type: Registration, description: 'How one comes in here: for the pages of a client that register.', resolve: () => ({}) }),
);

builder.queryField('invitations', (t) =>
  t.field({
    type: InvitationConnection,
    nullable: true,
    authScopes: { signedIn: true },
    description: "The viewer's invitations, the latest first; for administrators those of all.",
    args: t.arg.connectionArgs(),
    resolve: (_root, args, context, info) => {
      const where = visibleInvitations(context);
      return listPage(context, info, args, {
        keyset: byRecency('invitations', 'id'),
        list: { model: 'Invitation', where },
      });
    },
  }),
);

mutation('createInvitation', {
  description: 'Makes an invitation. Administrators may, and others where the server is set so (`Registration.viewerCanInvite`).',
  access: 'MEMBER',
  scope: 'SESSION',
  limit: 'invitation',
  repeats: 'never',
  input: {
    description: 'How many it is for, and until when.',
    fields: (t) => ({
      maxUses: t.int({
        check: z.int().min(1, 'Must be at least 1.').max(MAX_USES, `Must be at most ${MAX_USES}.`),
        description: 'How many accounts it is good for: 1 when left out; up to 10, of administrators 10,000.',
      }),
      expiresAt: t.field({ type: 'DateTime', description: 'When it ends: in a week when left out, in 90 days at the latest.' }),
      note: t.string({ check: text(0, MAX_NOTE, { singleLine: true }), description: `What it is for; at most ${MAX_NOTE} characters.` }),
    }),
  },
  run: async (input, context) => {
    const { invitation, code } = await createInvitation(context, input);
    return { invitation, code, url: invitationUrl(context, code) };
  },
  audit: ({ invitation: { id, maxUses } }) => ({ subject: { type: 'Invitation', id }, detail: { maxUses } }),
  payload: {
    description: 'The invitation and its code.',
    fields: (t) => ({
      invitation: t.field({ type: Invitation, description: 'The invitation.', resolve: ({ invitation }) => invitation }),
      code: t.exposeString('code', { description: 'Its code, for `register`. It is shown here and never again.' }),
      url: t.exposeString('url', { description: 'Where the web client takes it.' }),
    }),
  },
});

mutation('revokeInvitation', {
  description: 'Takes an invitation back. Accounts that were made by it stay.',
  access: 'MEMBER',
  scope: 'SESSION',
  input: {
    description: 'The invitation.',
    fields: (t) => ({ invitationId: t.id({ required: true, idOf: 'Invitation', description: 'Its id.' }) }),
  },
  run: async ({ invitationId }, context) => ({ invitation: await revokeInvitation(context, invitationId) }),
  audit: ({ invitation: { id } }) => ({ subject: { type: 'Invitation', id }, detail: {} }),
  payload: {
    description: 'The invitation, which is no longer open.',
    reloaders: { invitation: findInvitation },
    fields: (t) => ({ invitation: t.field({ type: Invitation, description: 'The invitation.', resolve: ({ invitation }) => invitation }) }),
  },
});
