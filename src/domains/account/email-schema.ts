import { mutation, okField } from '../../graphql/mutation.js';
import { PASSWORD, WRITE } from '../../graphql/price.js';
import { builder } from '../../graphql/builder.js';
import { changeEmail, resendVerification, verifyEmail } from './email.js';
import { emailText } from './rules.js';
import { linkTokenInput, Me, meField, presentPasswordInput, User } from './schema.js';

builder.prismaObjectFields(Me, (t) => ({
  emailVerified: t.boolean({
    description: 'Whether it has been shown that the viewer reads mails to `email`.',
    select: { emailVerifiedAt: true, emailKey: true },
    resolve: ({ emailKey, emailVerifiedAt }) => emailKey !== null && emailVerifiedAt !== null,
  }),
  pendingEmail: t.exposeString('pendingEmail', {
    nullable: true,
    description:
      'An address that waits to be confirmed, by `verifyEmail` with the link that was sent there. Until then one signs in without it.',
  }),
}));

mutation('verifyEmail', {
  description:
    'Confirms a mail address by the link that was sent there. From then on it is that of the account, and one can sign in with it.',
  access: 'anyone',
  repeats: 'never',
  input: {
    description: 'The link.',
    fields: (t) => ({
      token: t.string(linkTokenInput('three days')),
    }),
  },
  run: async ({ token }, context) => ({ user: await verifyEmail(context, token) }),
  payload: {
    description: 'Whose address has been confirmed.',
    fields: (t) => ({ user: t.field({ type: User, description: 'The owner of the address.', resolve: ({ user }) => user }) }),
  },
});

mutation('resendVerification', {
  description: "Sends another link to the viewer's address that waits to be confirmed. Links that were sent before stay good.",
  access: 'MEMBER',
  scope: 'SESSION',
  limit: 'mailByUser',
  repeats: 'never',
  input: null,
  run: async (_input, context) => {
    await resendVerification(context);
    return { ok: true };
  },
  payload: {
    description: 'Confirms that the mail is on its way.',
    fields: (t) => ({ ok: okField(t) }),
  },
});

mutation('changeEmail', {
  description:
    'Asks for another mail address. It takes the place of the present one once the link that is sent there is opened, and the present one is told then. The answer is the same when the new address has an account: its owner learns of it by mail.',
  access: 'MEMBER',
  scope: 'SESSION',
  limit: 'mailByUser',
  price: { own: WRITE + PASSWORD },
  repeats: 'never',
  input: {
    description: 'The new address.',
    fields: (t) => ({
      email: t.string({ required: true, check: emailText, description: 'The new address; international ones are welcome.' }),
      password: t.string(presentPasswordInput),
    }),
  },
  run: async (input, context) => {
    await changeEmail(context, input);
    return { ok: true };
  },
  payload: {
    description: 'The viewer, whose `pendingEmail` is the new address.',
    fields: (t) => ({ me: meField(t) }),
  },
});
