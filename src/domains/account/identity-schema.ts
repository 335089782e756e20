import type { Identity as IdentityRow } from '../../db/generated/prisma/client.js';
import { builder } from '../../graphql/builder.js';
import { encodeId } from '../../graphql/ids.js';
import { mutation } from '../../graphql/mutation.js';
import { STATEMENT } from '../../graphql/price.js';
import { viewerOf } from '../../access/viewer.js';
import { findOwnIdentity, identitiesOf, issuerOf, MAX_IDENTITIES, unlinkIdentity } from './identities.js';
import { linkIdentity } from './oidc.js';
import { OidcIssuer, returnFields } from './oidc-schema.js';
import { Me, meField } from './schema.js';

export const Identity = builder.objectRef<IdentityRow>('Identity').implement({
  description: 'Who the viewer is at another server, by which they sign in here.',
  fields: (t) => ({
    issuer: t.field({
      type: OidcIssuer,
      nullable: true,
      description: 'That server; null when one no longer signs in here by it.',
      resolve: (identity, _args, context) => issuerOf(context, identity),
    }),
    issuerUrl: t.exposeString('issuer', { description: 'The address of that server.' }),
    subject: t.exposeString('subject', { description: 'Who they are there, for good.' }),
    email: t.exposeString('email', { nullable: true, description: 'Their mail address there, as it was said last.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Since when they sign in by it.' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', description: 'When they did last, to the minute.' }),
  }),
});

builder.nodeRef<IdentityRow, string, typeof Identity>(Identity, {
  id: { resolve: ({ id }) => id, description: 'Its global id, for `unlinkIdentity`.' },
  loadWithoutCache: (id, context) => (context.viewer === null ? null : findOwnIdentity(context, context.viewer.id, id)),
});

builder.prismaObjectFields(Me, (t) => ({
  identities: t.field({
    type: [Identity],
    price: { own: STATEMENT, items: MAX_IDENTITIES },
    description: `Who the viewer is at other servers, by which they sign in here, the first first; at most ${MAX_IDENTITIES}.`,
    resolve: (me, _args, context) => identitiesOf(context, me.id),
  }),
}));

mutation('linkIdentity', {
  description:
    'Has the viewer sign in by another server from now on, once the browser has come back from it: `startOidc` with the purpose LINK is first. They are told of it by mail. CONFLICT for somebody who has another account here. The other errors are those of `loginWithOidc`.',
  access: 'MEMBER',
  scope: 'SESSION',
  repeats: 'never',
  input: {
    description: 'What the browser came back with.',
    fields: returnFields,
  },
  run: async (input, context) => ({ identity: await linkIdentity(context, input) }),
  payload: {
    description: 'The identity.',
    fields: (t) => ({
      identity: t.field({ type: Identity, description: 'Who they are there.', resolve: ({ identity }) => identity }),
      me: meField(t),
    }),
  },
});

mutation('unlinkIdentity', {
  description:
    'Ends that the viewer signs in by another server. Sessions that began by it go on; tokens of that server are refused. CONFLICT with the `reason` LAST_WAY_IN when they could not sign in any more.',
  access: 'MEMBER',
  scope: 'SESSION',
  repeats: 'never',
  input: {
    description: 'The identity.',
    fields: (t) => ({ identityId: t.id({ required: true, idOf: 'Identity', description: 'Its id, from `Me.identities`.' }) }),
  },
  run: async ({ identityId }, context) => {
    await unlinkIdentity(context, viewerOf(context).id, identityId);
    return { identityId };
  },
  payload: {
    description: 'What is no longer there.',
    fields: (t) => ({
      identityId: t.id({ description: 'The id that it had.', resolve: ({ identityId }) => encodeId('Identity', identityId) }),
      me: meField(t),
    }),
  },
});
