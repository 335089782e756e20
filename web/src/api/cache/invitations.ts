import { update, type AreaOfCache } from './area.js';
import { putFirst } from './lists.js';

interface Created {
  readonly createInvitation: { readonly invitation: { readonly id: string } } | null;
}

/** Invitations: one that is made stands first. */
export const invitationsInCache: AreaOfCache = {
  updates: {
    Mutation: {
      createInvitation: update<Created>(({ createInvitation }, _args, cache) => {
        if (!createInvitation) return;
        putFirst(cache, { owner: 'Query', field: 'invitations' }, { __typename: 'Invitation', id: createInvitation.invitation.id });
      }),
    },
  },
};
