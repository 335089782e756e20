import { builder } from '../../graphql/builder.js';
import { mutation, okField } from '../../graphql/mutation.js';
import { STATEMENT } from '../../graphql/price.js';
import { principalOf, sessionOf, viewerOf } from '../../access/viewer.js';
import { deviceField, Me, meField } from './schema.js';
import { activeSessions, endOwnSession, endSessions, findOwnSession, MAX_SESSIONS, type ListedSession } from './sessions.js';

export const Session = builder.objectRef<ListedSession>('Session').implement({
  description: 'A sign-in of the viewer that has not ended: a browser, a device, a program.',
  fields: (t) => ({
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'What the client that signed in said of itself.' }),
    device: deviceField(t),
    ip: t.exposeString('ip', { nullable: true, description: 'The address that it signed in from.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it signed in.' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', description: 'When it was last renewed by `refreshSession`, or signed in.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it ends unless it is renewed before.' }),
    current: t.boolean({
      description: 'Whether this request belongs to it.',
      resolve: ({ id }, _args, context) => {
        const { via } = principalOf(context);
        return via.kind === 'session' && via.sessionId === id;
      },
    }),
  }),
});

builder.nodeRef<ListedSession, string, typeof Session>(Session, {
  id: { resolve: ({ id }) => id, description: 'Its global id, for `revokeSession`.' },
  loadWithoutCache: (id, context) => (context.viewer === null ? null : findOwnSession(context, context.viewer.id, id)),
});

builder.prismaObjectFields(Me, (t) => ({
  sessions: t.field({
    type: [Session],
    price: { own: STATEMENT, items: MAX_SESSIONS },
    description: `The sessions of the viewer that have not ended, the one that was used last first; at most ${MAX_SESSIONS}, for one more ends the one that was used least recently.`,
    resolve: (me, _args, context) => activeSessions(context, me.id),
  }),
}));

mutation('revokeSession', {
  description: "Ends one of the viewer's sessions: its tokens are refused from now on, and its sockets and streams are closed.",
  access: 'signedIn',
  scope: 'SESSION',
  beforeTerms: true,
  input: {
    description: 'The session to end.',
    fields: (t) => ({ sessionId: t.id({ required: true, idOf: 'Session', description: 'Its id, from `Me.sessions`.' }) }),
  },
  run: async ({ sessionId }, context) => {
    await endOwnSession(context, viewerOf(context).id, sessionId);
    return { ok: true };
  },
  payload: {
    description: 'Confirms that the session has ended.',
    fields: (t) => ({
      ok: okField(t),
      me: meField(t),
    }),
  },
});

mutation('revokeAllSessions', {
  description: "Ends the viewer's sessions: their tokens are refused from now on, and their sockets and streams are closed.",
  access: 'signedIn',
  scope: 'SESSION',
  beforeTerms: true,
  repeats: 'never',
  input: {
    description: 'Which of them end.',
    fields: (t) => ({
      keepCurrent: t.boolean({ description: 'Whether the session of this request goes on; true when left out.' }),
    }),
  },
  run: async ({ keepCurrent }, context) => {
    const { sessionId } = sessionOf(context);
    const { id: userId } = viewerOf(context);
    return { endedCount: await endSessions(context, userId, keepCurrent === false ? {} : { except: sessionId }), userId };
  },
  audit: ({ userId, endedCount }) => ({ subject: { type: 'User', id: userId }, detail: { endedCount } }),
  payload: {
    description: 'How many sessions have ended.',
    fields: (t) => ({
      endedCount: t.int({ description: 'How many sessions this has ended.', resolve: ({ endedCount }) => endedCount }),
      me: meField(t),
    }),
  },
});
