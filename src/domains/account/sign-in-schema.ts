import { mutation } from '../../graphql/mutation.js';
import { codeText, stepTokenText } from './rules.js';
import { deviceTokenInput, linkTokenInput, signedInFields } from './schema.js';
import { finishLogin } from './second-step.js';
import { confirmSignIn } from './sign-in.js';

mutation('confirmSignIn', {
  description:
    'Signs in by a link that was mailed, because the right password was given from an address that is not known while many guessed at the account: `login` had answered with the `reason` CONFIRM_BY_MAIL.',
  access: 'anyone',
  repeats: 'never',
  input: {
    description: 'The link.',
    fields: (t) => ({
      token: t.string(linkTokenInput('an hour, until the password is changed')),
      deviceToken: t.string(deviceTokenInput),
    }),
  },
  run: async (input, context) => await confirmSignIn(context, input),
  payload: { description: 'The user who has signed in, and their new session.', fields: signedInFields },
});

mutation('finishLogin', {
  description:
    'Finishes a sign-in that `login` has answered UNAUTHENTICATED with the `reason` SECOND_FACTOR: the password was right, and the account has a second factor. The error has a `signInToken`, when that ends (`expiresAt`), and `methods`: TOTP, RECOVERY_CODE, PASSKEY. A wrong code is UNAUTHENTICATED with the `reason` WRONG_CODE; whoever is wrong too often waits longer and longer (RATE_LIMITED with `retryAfterMs`), and nobody else does. The error with the `reason` CONFIRM_BY_MAIL has a `signInToken`, too: whoever has a second factor gives a code, and waits for no mail.',
  access: 'anyone',
  repeats: 'never',
  input: {
    description: 'The token and a code.',
    fields: (t) => ({
      token: t.string({
        required: true,
        check: stepTokenText,
        hasShare: true,
        description: 'The `signInToken` of the error. It is good for one sign-in, for ten minutes.',
      }),
      code: t.string({ required: true, check: codeText, description: 'A code of the app, or a recovery code.' }),
      deviceToken: t.string(deviceTokenInput),
    }),
  },
  run: async (input, context) => await finishLogin(context, input),
  payload: { description: 'The user who has signed in, and their new session.', fields: signedInFields },
});
