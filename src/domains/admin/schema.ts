import { mutation } from '../../graphql/mutation.js';
import { findUser } from '../account/account.js';
import { Role, userInput, userPayload } from '../account/schema.js';
import { GIVEN_ROLES, setUserRole } from './roles.js';

mutation('setUserRole', {
  description:
    "Gives a user another role, which applies at once, also to open sockets and streams. The user is notified. CONFLICT for the last administrator's own.",
  access: 'ADMIN',
  scope: 'ADMIN',
  input: {
    description: 'The user, and their new role.',
    fields: (t) => ({
      userId: t.id(userInput),
      role: t.field({ type: Role, required: true, description: `One of ${GIVEN_ROLES.join(', ')}.` }),
    }),
  },
  run: async ({ userId: id, role }, context) => {
    const before = await setUserRole(context, id, role);
    return { user: await findUser(context, id), before };
  },
  audit: ({ user: { id }, before }, { role }) => ({ subject: { type: 'User', id }, detail: { before, role } }),
  payload: userPayload,
});
