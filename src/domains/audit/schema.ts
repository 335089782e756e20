import { builder } from '../../graphql/builder.js';
import { connectionType, listPage, nodeQuery } from '../../graphql/connection.js';
import type { AuditEvent as AuditEventRow, AuditVia } from '../../db/generated/prisma/client.js';
import { decodeId, encodeId, parseId } from '../../graphql/ids.js';
import { BY_ID, READ, STATEMENT } from '../../graphql/price.js';
import { text } from '../../graphql/text.js';
import { loadUser, User } from '../account/schema.js';
import { auditWhere, latestFirst, originOf } from './audit.js';
import { can } from './rules.js';

const MAX_ACTION = 100;

/** The node types of what somebody shows who they are by. */
const MEANS = { SESSION: 'Session', API_KEY: 'ApiKey', ISSUER: 'Identity' } as const satisfies Record<AuditVia, string>;

const Via = builder.enumType('AuditVia', {
  description: 'How somebody has shown who they are.',
  values: {
    SESSION: { description: 'By a session: they have signed in.' },
    API_KEY: { description: 'By an API key, so it may have been a program.' },
    ISSUER: { description: 'By a token of an issuer of OpenID Connect.' },
  } satisfies Record<AuditVia, object>,
});

export const AuditEvent = builder.prismaObject('AuditEvent', {
  description:
    'An act that matters for security: a sign-in, a change of rights, whatever moderators and administrators do. For administrators.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it was done.' }),
    actor: t.field({
      type: User,
      nullable: true,
      price: READ,
      description: 'Whose act it was; null for the system, the command line, somebody who is not known, and somebody who is gone.',
      resolve: ({ actorId }, _args, context, info) => (actorId === null ? null : loadUser(context, info, actorId)),
    }),
    via: t.expose('via', {
      type: Via,
      nullable: true,
      description:
        'How the actor had shown who they are; null where nobody had, as at a sign-in, and for what was done before this was kept.',
    }),
    viaId: t.id({
      nullable: true,
      description: 'The global id of that session, API key or identity, also when it is gone; null where `via` is.',
      resolve: ({ via, viaId }) => (via === null || viaId === null ? null : encodeId(MEANS[via], viaId)),
    }),
    action: t.exposeString('action', { description: 'What was done: the name of the mutation where it was one.' }),
    subject: t.node({
      price: { own: BY_ID / 2, once: STATEMENT },
      description: 'What was acted upon; null where there is nothing, where that is gone, and where an administrator may not see it.',
      id: ({ subjectType, subjectId }) => (subjectType === null || subjectId === null ? null : encodeId(subjectType, subjectId)),
    }),
    subjectId: t.id({
      nullable: true,
      description: 'The global id of what was acted upon, also when that is gone; null where there is nothing.',
      resolve: ({ subjectType, subjectId }) => (subjectType === null || subjectId === null ? null : encodeId(subjectType, subjectId)),
    }),
    ip: t.string({
      nullable: true,
      price: READ,
      description: 'The address that it was done from; null where that is not known, and once the account of that person was deleted.',
      resolve: async ({ id }, _args, context) => (await originOf(context, id))?.ip ?? null,
    }),
    userAgent: t.string({
      nullable: true,
      price: READ,
      description: 'What the client said of itself; null as `ip` is.',
      resolve: async ({ id }, _args, context) => (await originOf(context, id))?.userAgent ?? null,
    }),
    detail: t.exposeString('detail', {
      description: 'What else is to be known of it, as a JSON object; each action has fields of its own.',
    }),
  }),
});

builder.nodeRef<AuditEventRow, string, typeof AuditEvent>(AuditEvent, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: async (id, context, info) =>
    can(context.viewer, 'see')
      ? await context.db.prisma.auditEvent.findUnique({ ...nodeQuery(context, info, 'AuditEvent'), where: { id } })
      : null,
});

const AuditEventConnection = connectionType(AuditEvent, 'AuditEvent');

builder.queryField('auditLog', (t) =>
  t.field({
    type: AuditEventConnection,
    nullable: true,
    authScopes: { role: 'ADMIN' },
    description: 'What was done that matters for security, the latest first. For administrators.',
    args: {
      ...t.arg.connectionArgs(),
      actor: t.arg.id({ description: 'Only the acts of this user.' }),
      subject: t.arg.id({ description: 'Only the acts upon this node.' }),
      via: t.arg({ type: Via, description: 'Only what was done by such a credential.' }),
      viaId: t.arg.id({ description: 'Only what was done by this session, API key or identity.' }),
      action: t.arg.string({ validate: text(1, MAX_ACTION), description: 'Only acts of this name, such as `setUserRole`.' }),
      since: t.arg({ type: 'DateTime', description: 'Only what was done then or later.' }),
      until: t.arg({ type: 'DateTime', description: 'Only what was done before.' }),
    },
    resolve: (_root, args, context, info) => {
      const where = auditWhere({
        actorId: typeof args.actor === 'string' ? decodeId('User', args.actor, 'actor') : null,
        subjectId: typeof args.subject === 'string' ? parseId(args.subject, 'subject').id : null,
        via: args.via ?? null,
        viaId: typeof args.viaId === 'string' ? parseId(args.viaId, 'viaId').id : null,
        action: args.action ?? null,
        since: args.since ?? null,
        until: args.until ?? null,
      });
      return listPage(context, info, args, {
        keyset: latestFirst,
        list: { model: 'AuditEvent', where },
      });
    },
  }),
);
