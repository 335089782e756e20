import { builder } from '../../graphql/builder.js';
import type { User as UserRow } from '../../db/generated/prisma/client.js';
import { mutation } from '../../graphql/mutation.js';
import { READ } from '../../graphql/price.js';
import { text } from '../../graphql/text.js';
import { assertAccount, findUser } from './account.js';
import { endApiKeysIn } from './api-keys.js';
import { can } from './rules.js';
import { User, userInput, userPayload, userPayloadField } from './schema.js';
import { removeSecondFactor } from './second-factor.js';
import { endSessionsIn } from './sessions.js';
import { suspensionAt, type Suspension as SuspensionRow } from './standing.js';
import { suspendUser, unlockUser } from './suspensions.js';

const MAX_REASON = 500;

const Suspension = builder.objectRef<SuspensionRow>('Suspension').implement({
  description: 'That an account is closed to its user, who is answered LOCKED.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it began.' }),
    until: t.expose('until', { type: 'DateTime', nullable: true, description: 'When it ends by itself; null where it does not.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why, as its user is told.' }),
  }),
});

builder.prismaObjectFields(User, (t) => ({
  suspension: t.field({
    type: Suspension,
    nullable: true,
    price: READ,
    description: 'The suspension of the account; null where there is none, and for everybody but moderators.',
    select: { suspendedAt: true, suspendedUntil: true, suspensionReason: true },
    resolve: (user, _args, { viewer, clock }) => (can(viewer, 'seeSuspension') ? suspensionAt(user, clock.now()) : null),
  }),
}));

interface OfUser {
  readonly user: UserRow;
}

const subjectOf = ({ user: { id } }: OfUser) => ({ type: 'User', id });

mutation('suspendUser', {
  description:
    'Closes an account to its user, until a time or for good: every request of theirs is answered LOCKED with `until` and `reason`, and their sockets and streams are closed at once. What they have written stays. Called again, it takes the new time and reason.',
  access: 'ADMIN',
  scope: 'ADMIN',
  input: {
    description: 'The user, until when, and why.',
    fields: (t) => ({
      userId: t.id(userInput),
      until: t.field({
        type: 'DateTime',
        description: 'When it ends by itself, a time in the future; when left out or null, it does not.',
      }),
      reason: t.string({ check: text(0, MAX_REASON), description: `Why; the user is told. At most ${MAX_REASON} characters.` }),
    }),
  },
  run: async ({ userId: id, until, reason }, context) => ({ user: await suspendUser(context, id, until ?? null, reason || null) }),
  audit: (payload, { until, reason }) => ({
    subject: subjectOf(payload),
    detail: { until: until?.toISOString() ?? null, reason: reason ?? null },
  }),
  payload: userPayload,
});

mutation('unlockUser', {
  description:
    'Opens an account to its user again: ends their suspension, and whatever wait others have brought upon it by wrong passwords. Nothing changes where there is none.',
  access: 'ADMIN',
  scope: 'ADMIN',
  input: { description: 'The user.', fields: (t) => ({ userId: t.id(userInput) }) },
  run: async ({ userId: id }, context) => ({ user: await unlockUser(context, id) }),
  audit: (payload) => ({ subject: subjectOf(payload), detail: {} }),
  payload: userPayload,
});

mutation('removeSecondFactor', {
  description:
    'Removes the passkeys, the codes and the recovery codes of a user who has lost them: all their sessions end, and their password is enough for the next one. Their owner is told by mail. Make sure first that it is them who ask. Nothing changes where there are none.',
  access: 'ADMIN',
  scope: 'ADMIN',
  input: { description: 'The user.', fields: (t) => ({ userId: t.id(userInput) }) },
  run: async ({ userId: id }, context) => ({ user: await removeSecondFactor(context, id) }),
  audit: (payload) => ({ subject: subjectOf(payload), detail: {} }),
  payload: userPayload,
});

mutation('disconnectUser', {
  description:
    'Signs a user out, everywhere or of one session: it ends, and its sockets and streams are closed at once; everywhere, their API keys end as well. They may sign in again; `suspendUser` keeps them out.',
  access: 'ADMIN',
  scope: 'ADMIN',
  repeats: 'never',
  input: {
    description: 'The user, and which of their sessions ends.',
    fields: (t) => ({
      userId: t.id(userInput),
      sessionId: t.id({ idOf: 'Session', description: 'The session, from `connections`; all of them when it is left out.' }),
    }),
  },
  run: async ({ userId: id, sessionId }, context) => {
    await assertAccount(context.db.prisma, id);
    const user = await findUser(context, id);
    const endedCount = await context.db.transact(async (tx) => {
      const now = new Date(context.clock.now());
      if (sessionId) return await endSessionsIn(tx, now, id, { only: sessionId });
      await endApiKeysIn(tx, now, id);
      return await endSessionsIn(tx, now, id);
    });
    return { user, endedCount };
  },
  audit: ({ user, endedCount }, { sessionId }) => ({ subject: subjectOf({ user }), detail: { endedCount, sessionId: sessionId ?? null } }),
  payload: {
    description: 'The user, and how many of their sessions have ended.',
    fields: (t) => ({
      endedCount: t.int({ description: 'How many sessions this has ended.', resolve: ({ endedCount }) => endedCount }),
      user: userPayloadField(t),
    }),
  },
});
