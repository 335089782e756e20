import { WEAKNESSES, type Weakness } from '../../access/password-strength/strength.js';
import { builder } from '../../graphql/builder.js';
import { mutation, okField } from '../../graphql/mutation.js';
import { PASSWORD, WRITE } from '../../graphql/price.js';
import { changePassword, estimatePassword, ownWords, requestPasswordReset, resetPassword } from './password.js';
import { anyPasswordText, emailText, MAX_GIVEN_NAME, passwordText } from './rules.js';
import { Credentials, linkTokenInput, meField, NEW_PASSWORD, presentPasswordInput, User } from './schema.js';
import { text } from '../../graphql/text.js';

const PasswordWeakness = builder.enumType('PasswordWeakness', {
  description: 'Why a password is easily guessed: `weakness` of a field error TOO_WEAK.',
  values: Object.fromEntries(Object.entries(WEAKNESSES).map(([name, description]) => [name, { description }])) as Record<
    Weakness,
    { description: string }
  >,
});

mutation('estimatePassword', {
  description:
    'Tells how hard a password is to guess, before it is chosen. Nothing is kept of it; it is a mutation so that it stands in no address and no cache.',
  access: 'anyone',
  limit: 'estimate',
  price: { own: PASSWORD },
  repeats: 'never',
  input: {
    description: 'The password, and what others would try first; of somebody who is signed in their own names and address are known.',
    fields: (t) => ({
      password: t.string({ required: true, check: anyPasswordText, description: 'The password; at most 200 characters.' }),
      username: t.string({ check: text(0, MAX_GIVEN_NAME), description: 'The username that it is for.' }),
      displayName: t.string({ check: text(0, MAX_GIVEN_NAME), description: 'The name that it is for.' }),
      email: t.string({ check: text(0, MAX_GIVEN_NAME), description: 'The mail address that it is for.' }),
    }),
  },
  run: async ({ password, username, displayName, email }, context) => {
    const { score, weakness } = await estimatePassword(context, password, [username, displayName, email, ...(await ownWords(context))]);
    return { score, weakness, isStrongEnough: score >= context.config.accounts.passwordMinScore };
  },
  payload: {
    description: 'How hard it is to guess.',
    fields: (t) => ({
      score: t.exposeInt('score', {
        description: '0 to 4: below a thousand guesses, a million, a hundred millions, ten thousand millions, or more.',
      }),
      isStrongEnough: t.exposeBoolean('isStrongEnough', { description: 'Whether this server takes it for a new password.' }),
      weakness: t.field({
        type: PasswordWeakness,
        nullable: true,
        description: 'Why it is easily guessed; null for one that is hard to guess.',
        resolve: ({ weakness }) => weakness,
      }),
    }),
  },
});

mutation('changePassword', {
  description:
    "Changes the viewer's password, or sets the first one. Their other sessions and their API keys end; this session goes on, with the credentials of the payload.",
  access: 'MEMBER',
  scope: 'SESSION',
  price: { own: WRITE + 2 * PASSWORD },
  repeats: 'never',
  input: {
    description: 'The present password and the new one.',
    fields: (t) => ({
      currentPassword: t.string(presentPasswordInput),
      newPassword: t.string({ required: true, check: passwordText, description: NEW_PASSWORD }),
    }),
  },
  run: async (input, context) => ({ credentials: await changePassword(context, input) }),
  payload: {
    description: 'The session of this request, with other tokens.',
    fields: (t) => ({
      credentials: t.field({
        type: Credentials,
        description: 'The refresh token of before is no longer good.',
        resolve: ({ credentials }) => credentials,
      }),
      me: meField(t),
    }),
  },
});

mutation('requestPasswordReset', {
  description:
    'Sends a link for a new password to a mail address, if it is that of an account. The answer is the same when it is not, and comes after the same time.',
  access: 'anyone',
  limit: 'mailFromAddress',
  repeats: 'never',
  input: {
    description: 'Who has forgotten their password.',
    fields: (t) => ({ email: t.string({ required: true, check: emailText, description: 'The mail address of the account.' }) }),
  },
  run: async ({ email }, context) => {
    await requestPasswordReset(context, email);
    return { ok: true };
  },
  payload: {
    description: 'Confirms that it has been asked for.',
    fields: (t) => ({ ok: okField(t) }),
  },
});

mutation('resetPassword', {
  description:
    'Sets a new password by a link that was mailed. All sessions and API keys of the account end; sign in with the new password.',
  access: 'anyone',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: {
    description: 'The link and the new password.',
    fields: (t) => ({
      token: t.string(linkTokenInput('an hour')),
      newPassword: t.string({ required: true, check: passwordText, description: NEW_PASSWORD }),
    }),
  },
  run: async (input, context) => ({ user: await resetPassword(context, input) }),
  payload: {
    description: 'Whose password it is.',
    fields: (t) => ({ user: t.field({ type: User, description: 'The owner of the account.', resolve: ({ user }) => user }) }),
  },
});
