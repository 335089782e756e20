import { mutation } from '../../graphql/mutation.js';
import { deviceTokenInput, linkTokenInput, signedInFields } from './schema.js';
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
