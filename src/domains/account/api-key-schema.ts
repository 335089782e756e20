import { z } from 'zod';
import { knownScopes, SCOPES, type Scope } from '../../access/scopes.js';
import { principalOf, viewerOf } from '../../access/viewer.js';
import { builder } from '../../graphql/builder.js';
import { mutation, okField } from '../../graphql/mutation.js';
import { STATEMENT } from '../../graphql/price.js';
import { list, text } from '../../graphql/text.js';
import {
  apiKeysOf,
  createApiKey,
  DEFAULT_LIFE_DAYS,
  findOwnApiKey,
  MAX_API_KEYS,
  MAX_LIFE_DAYS,
  revokeOwnApiKey,
  type ListedApiKey,
} from './api-keys.js';
import { Me, meField } from './schema.js';

const MAX_NAME = 100;
const MAX_SCOPES = Object.keys(SCOPES).length;

const ApiKeyScope = builder.enumType('ApiKeyScope', {
  description: 'What an API key may be used for. A key can never do what its owner cannot.',
  values: Object.fromEntries(Object.entries(SCOPES).map(([name, description]) => [name, { description }])) as Record<
    Scope,
    { description: string }
  >,
});

export const ApiKey = builder.objectRef<ListedApiKey>('ApiKey').implement({
  description:
    'A key with which a program acts for the viewer, in the place of an access token: `Authorization: Bearer lyc_…` over HTTP, `connectionParams: { accessToken }` on a socket.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What its owner calls it.' }),
    start: t.exposeString('start', { description: 'How its secret begins, to know it again.' }),
    scopes: t.field({
      type: [ApiKeyScope],
      description: 'What it may be used for.',
      resolve: ({ scopes }) => knownScopes(scopes),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it ends.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, to about ten minutes; null for one that never was.',
    }),
    current: t.boolean({
      description: 'Whether this request is made with it.',
      resolve: ({ id }, _args, context) => {
        const { via } = principalOf(context);
        return via.kind === 'apiKey' && via.apiKeyId === id;
      },
    }),
  }),
});

builder.nodeRef<ListedApiKey, string, typeof ApiKey>(ApiKey, {
  id: { resolve: ({ id }) => id, description: 'Its global id, for `revokeApiKey`.' },
  loadWithoutCache: (id, context) => (context.viewer === null ? null : findOwnApiKey(context, context.viewer.id, id)),
});

builder.prismaObjectFields(Me, (t) => ({
  apiKeys: t.field({
    type: [ApiKey],
    price: { own: STATEMENT, items: MAX_API_KEYS },
    description: `The keys of the viewer that are good, the latest first; at most ${MAX_API_KEYS}.`,
    resolve: (me, _args, context) => apiKeysOf(context, me.id),
  }),
}));

mutation('createApiKey', {
  description: `Makes a key with which a program acts for the viewer. It can do what its scopes name, and never more than the viewer may at that time; no key can change a password, an address, a session or a key. It ends with \`revokeApiKey\`, at its time, and when the password is changed. At most ${MAX_API_KEYS} a user: else CONFLICT.`,
  access: 'MEMBER',
  scope: 'SESSION',
  limit: 'apiKey',
  repeats: 'never',
  input: {
    description: 'What it is for, and until when.',
    fields: (t) => ({
      name: t.string({
        required: true,
        check: text(1, MAX_NAME, { singleLine: true }),
        description: `What to call it; 1 to ${MAX_NAME} characters.`,
      }),
      scopes: t.field({
        type: [ApiKeyScope],
        required: true,
        check: list(z.enum(Object.keys(SCOPES) as [Scope, ...Scope[]]), MAX_SCOPES, `Must be at most ${MAX_SCOPES} scopes.`, 1),
        description: 'What it may be used for. READ is added to whatever is named.',
      }),
      expiresAt: t.field({
        type: 'DateTime',
        description: `When it ends: in ${DEFAULT_LIFE_DAYS} days when left out, in ${MAX_LIFE_DAYS} at the latest.`,
      }),
    }),
  },
  run: async (input, context) => await createApiKey(context, input),
  audit: ({ apiKey: { id, scopes, expiresAt } }) => ({
    subject: { type: 'ApiKey', id },
    detail: { scopes: scopes.join(' '), expiresAt: expiresAt.toISOString() },
  }),
  payload: {
    description: 'The key and its secret.',
    fields: (t) => ({
      apiKey: t.field({ type: ApiKey, description: 'The key.', resolve: ({ apiKey }) => apiKey }),
      secret: t.exposeString('secret', { description: 'What to send as the credential. It is shown here and never again.' }),
      me: meField(t),
    }),
  },
});

mutation('revokeApiKey', {
  description: "Ends one of the viewer's keys: it is refused from now on, and its sockets and streams are closed.",
  access: 'signedIn',
  scope: 'SESSION',
  input: {
    description: 'The key to end.',
    fields: (t) => ({ apiKeyId: t.id({ required: true, idOf: 'ApiKey', description: 'Its id, from `Me.apiKeys`.' }) }),
  },
  run: async ({ apiKeyId }, context) => {
    await revokeOwnApiKey(context, viewerOf(context).id, apiKeyId);
    return { ok: true };
  },
  audit: (_payload, { apiKeyId }) => ({ subject: { type: 'ApiKey', id: apiKeyId }, detail: {} }),
  payload: {
    description: 'Confirms that the key has ended.',
    fields: (t) => ({
      ok: okField(t),
      me: meField(t),
    }),
  },
});
