import { builder, type Types } from '../../graphql/builder.js';
import { roleWithoutFactor } from '../../access/viewer.js';
import { mutation } from '../../graphql/mutation.js';
import { PASSWORD, STATEMENT, WRITE } from '../../graphql/price.js';
import { factorsOf, isOn, type Factors } from './factors.js';
import { codeText } from './rules.js';
import { RECOVERY_CODES } from './recovery-codes.js';
import { Me, meField, presentPasswordInput } from './schema.js';
import { confirmTotp, disableTotp, renewRecoveryCodes, startTotp } from './second-factor.js';

const SecondFactor = builder.objectRef<Factors & { readonly isRequired: boolean }>('SecondFactor').implement({
  description: 'What the viewer signs in with beside the password.',
  fields: (t) => ({
    isOn: t.boolean({ description: 'Whether there is one: `login` asks for it then.', resolve: isOn }),
    isRequired: t.exposeBoolean('isRequired', {
      description:
        'Whether the operator requires one of the role of the viewer: as long as there is none, they may do what the role below may, and what they may not is FORBIDDEN with the `reason` SECOND_FACTOR_REQUIRED.',
    }),
    passkeys: t.exposeInt('passkeys', { description: 'How many passkeys there are.' }),
    totp: t.exposeBoolean('totp', { description: 'Whether codes of an app are on.' }),
    recoveryCodesLeft: t.exposeInt('recoveryCodes', {
      description: 'How many recovery codes have not been used; each stands in for the second factor once.',
    }),
  }),
});

builder.prismaObjectFields(Me, (t) => ({
  secondFactor: t.field({
    type: SecondFactor,
    price: { own: STATEMENT },
    description: 'What the viewer signs in with beside the password.',
    select: { role: true },
    resolve: async ({ id, role }, _args, { db, config: { requireSecondFactor } }) => ({
      ...(await factorsOf(db.prisma, id)),
      isRequired: roleWithoutFactor(role, requireSecondFactor) !== role,
    }),
  }),
}));

/** The input of a mutation that only the owner of an account may call, whoever has their session. */
export const ownProofFields = (t: PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>) => ({
  password: t.string(presentPasswordInput),
  code: t.string({ check: codeText, description: 'In place of the password: a code of the app, or a recovery code.' }),
});

export const recoveryCodesField = <Payload extends { readonly recoveryCodes: readonly string[] | null }>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Payload>,
) =>
  t.stringList({
    nullable: true,
    description: `${RECOVERY_CODES} recovery codes, shown this once: each signs in once instead of the second factor. Null where there are some already.`,
    resolve: ({ recoveryCodes }) => recoveryCodes && [...recoveryCodes],
  });

mutation('startTotp', {
  description:
    'Makes a seed for an app that makes codes (TOTP). `login` does not ask for them before `confirmTotp`, within an hour. Called again it makes another seed, as long as none is confirmed; then CONFLICT.',
  access: 'signedIn',
  scope: 'SESSION',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: { description: 'The proof that it is the owner of the account who asks.', fields: ownProofFields },
  run: async (input, context) => await startTotp(context, input),
  payload: {
    description: 'The seed, for the app alone: it is not shown again.',
    fields: (t) => ({
      secret: t.exposeString('secret', { description: 'The seed in base32, as one types it into an app.' }),
      uri: t.exposeString('uri', { description: 'The same as apps read it from a QR code: `otpauth://totp/…`.' }),
    }),
  },
});

mutation('confirmTotp', {
  description:
    'Turns codes of an app on, by the first one: from now on `login` asks for one, or for another second factor. With the first second factor, all other sessions end.',
  access: 'signedIn',
  scope: 'SESSION',
  repeats: 'never',
  input: {
    description: 'What the app shows.',
    fields: (t) => ({ code: t.string({ required: true, check: codeText, description: 'The six digits that the app shows now.' }) }),
  },
  run: async ({ code }, context) => ({ recoveryCodes: await confirmTotp(context, code) }),
  payload: {
    description: 'The viewer, with a second factor.',
    fields: (t) => ({ recoveryCodes: recoveryCodesField(t), me: meField(t) }),
  },
});

mutation('disableTotp', {
  description: 'Turns codes of an app off. Without another second factor, the recovery codes go with them.',
  access: 'signedIn',
  scope: 'SESSION',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: { description: 'The proof that it is the owner of the account who asks.', fields: ownProofFields },
  run: async (input, context) => {
    await disableTotp(context, input);
    return {};
  },
  payload: { description: 'The viewer, whose password is enough unless they have a passkey.', fields: (t) => ({ me: meField(t) }) },
});

mutation('renewRecoveryCodes', {
  description: 'Makes other recovery codes; those before are good for nothing any more.',
  access: 'signedIn',
  scope: 'SESSION',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: { description: 'The proof that it is the owner of the account who asks.', fields: ownProofFields },
  run: async (input, context) => ({ recoveryCodes: await renewRecoveryCodes(context, input) }),
  payload: {
    description: 'The new codes.',
    fields: (t) => ({ recoveryCodes: recoveryCodesField(t), me: meField(t) }),
  },
});
