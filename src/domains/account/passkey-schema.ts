import { builder } from '../../graphql/builder.js';
import { mutation } from '../../graphql/mutation.js';
import { PASSWORD, STATEMENT, WRITE } from '../../graphql/price.js';
import { text, upTo } from '../../graphql/text.js';
import {
  addPasskey,
  findOwnPasskey,
  loginWithPasskey,
  MAX_PASSKEYS,
  passkeysOf,
  presentPasskey,
  removePasskey,
  renamePasskey,
  startPasskey,
  startPasskeyLogin,
  type Challenge,
  type ListedPasskey,
} from './passkeys.js';
import { deviceTokenInput, Me, meField, signedInFields } from './schema.js';
import { ownProofFields, recoveryCodesField } from './second-factor-schema.js';
import { stepTokenText } from './rules.js';
import { MAX_CREDENTIAL } from './webauthn.js';
import type { Types } from '../../graphql/builder.js';

const MAX_NAME = 100;

export const Passkey = builder.objectRef<ListedPasskey>('Passkey').implement({
  description:
    'A passkey of the viewer (WebAuthn), kept by a device, a password manager or a security key: it signs in by itself, in the place of password and code.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What its owner calls it.' }),
    isBackedUp: t.exposeBoolean('isBackedUp', {
      description: 'Whether it is kept in more places than the one device, such as by a password manager; as it was when it was last used.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was added.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it last signed in; null for one that never has.',
    }),
  }),
});

builder.nodeRef<ListedPasskey, string, typeof Passkey>(Passkey, {
  id: { resolve: ({ id }) => id, description: 'Its global id, for `renamePasskey` and `removePasskey`.' },
  loadWithoutCache: (id, context) => (context.viewer === null ? null : findOwnPasskey(context, context.viewer.id, id)),
});

builder.prismaObjectFields(Me, (t) => ({
  passkeys: t.field({
    type: [Passkey],
    price: { own: STATEMENT, items: MAX_PASSKEYS },
    description: `The passkeys of the viewer, the latest first; at most ${MAX_PASSKEYS}.`,
    resolve: (me, _args, context) => passkeysOf(context, me.id),
  }),
}));

const challengeFields = (parser: string) => (t: PothosSchemaTypes.ObjectFieldBuilder<Types, Challenge>) => ({
  token: t.exposeString('token', { description: 'What the answer comes back with. It is good once.' }),
  expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when: ten minutes.' }),
  options: t.exposeString('options', { description: `What the browser is asked, in JSON: \`PublicKeyCredential.${parser}\` reads it.` }),
});

const tokenInput = {
  required: true,
  hasShare: true,
  check: stepTokenText,
  description: 'The `token` that came with the options.',
} as const;
const credentialInput = {
  required: true,
  check: upTo(MAX_CREDENTIAL),
  description: `What the browser answered, in JSON: \`JSON.stringify(credential.toJSON())\`; up to ${MAX_CREDENTIAL} characters.`,
} as const;
const nameInput = {
  required: true,
  check: text(1, MAX_NAME, { singleLine: true }),
  description: `What to call it; 1 to ${MAX_NAME} characters.`,
} as const;
const passkeyIdInput = { required: true, idOf: 'Passkey', description: 'Its id, from `Me.passkeys`.' } as const;

mutation('startPasskey', {
  description: `Begins to make a passkey: the browser makes it of \`options\` with \`navigator.credentials.create\`, and \`addPasskey\` stores it. Passkeys are for the domain of the operator (\`PASSKEY_DOMAIN\`); pages of others cannot ask for them. At most ${MAX_PASSKEYS} a user: else CONFLICT.`,
  access: 'signedIn',
  scope: 'SESSION',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: { description: 'The proof that it is the owner of the account who asks.', fields: ownProofFields },
  run: async (input, context) => await startPasskey(context, input),
  payload: { description: 'What the browser is asked.', fields: challengeFields('parseCreationOptionsFromJSON') },
});

mutation('addPasskey', {
  description:
    'Stores a passkey, which signs in from now on (`startPasskeyLogin`). It is a second factor: `login` is no longer content with the password. With the first second factor, all other sessions end.',
  access: 'signedIn',
  scope: 'SESSION',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: {
    description: 'The passkey.',
    fields: (t) => ({ token: t.string(tokenInput), credential: t.string(credentialInput), name: t.string(nameInput) }),
  },
  run: async (input, context) => await addPasskey(context, input),
  payload: {
    description: 'The passkey.',
    fields: (t) => ({
      passkey: t.field({ type: Passkey, description: 'The passkey.', resolve: ({ passkey }) => passkey }),
      recoveryCodes: recoveryCodesField(t),
      me: meField(t),
    }),
  },
});

mutation('renamePasskey', {
  description: 'Gives a passkey of the viewer another name.',
  access: 'signedIn',
  scope: 'SESSION',
  input: {
    description: 'The passkey and its name.',
    fields: (t) => ({ passkeyId: t.id(passkeyIdInput), name: t.string(nameInput) }),
  },
  run: async ({ passkeyId, name }, context) => ({ passkey: await renamePasskey(context, passkeyId, name) }),
  payload: {
    description: 'The passkey.',
    reloaders: { passkey: presentPasskey },
    fields: (t) => ({ passkey: t.field({ type: Passkey, description: 'The passkey.', resolve: ({ passkey }) => passkey }) }),
  },
});

mutation('removePasskey', {
  description: 'Removes a passkey: it signs nobody in any more. Without another second factor, the recovery codes go with it.',
  access: 'signedIn',
  scope: 'SESSION',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: {
    description: 'The passkey, and the proof that it is the owner of the account who asks.',
    fields: (t) => ({ passkeyId: t.id(passkeyIdInput), ...ownProofFields(t) }),
  },
  run: async ({ passkeyId, ...proof }, context) => {
    await removePasskey(context, passkeyId, proof);
    return {};
  },
  payload: { description: 'The viewer, without it.', fields: (t) => ({ me: meField(t) }) },
});

mutation('startPasskeyLogin', {
  description:
    'Begins a sign-in with a passkey, whosever it is: the browser asks for one of those that it knows of (`navigator.credentials.get`), and `loginWithPasskey` finishes it.',
  access: 'anyone',
  // Nobody says whose passkey it will be: what is counted by the address alone, one behind it could use up for all others.
  limit: null,
  repeats: 'never',
  input: null,
  run: async (_input, context) => await startPasskeyLogin(context),
  payload: { description: 'What the browser is asked.', fields: challengeFields('parseRequestOptionsFromJSON') },
});

mutation('loginWithPasskey', {
  description:
    'Signs in with a passkey, which stands for the password and the second factor: for whom `login` asks for a second factor with PASSKEY among the `methods`, too. A passkey that is not known here, or has signed something else, is UNAUTHENTICATED with the `reason` WRONG_PASSKEY.',
  access: 'anyone',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: {
    description: 'What the passkey has signed.',
    fields: (t) => ({ token: t.string(tokenInput), credential: t.string(credentialInput), deviceToken: t.string(deviceTokenInput) }),
  },
  run: async (input, context) => await loginWithPasskey(context, input),
  payload: { description: 'The user who has signed in, and their new session.', fields: signedInFields },
});
