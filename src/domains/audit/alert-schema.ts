import { builder } from '../../graphql/builder.js';
import { heads } from '../../graphql/heads.js';
import { encodeId } from '../../graphql/ids.js';
import { BY_ID, STATEMENT } from '../../graphql/price.js';
import { assertReadable, decodeCursor, headCursor, type Head } from '../../realtime/cursor.js';
import { readEvents } from '../../realtime/event-log.js';
import type { LogEvent } from '../../realtime/topic.js';
import { ADMINISTRATORS, ALERT_KINDS, securityLog, type AlertKind, type SecurityEvents } from './topics.js';

/** How many alerts are listed: the latest ones. */
const LISTED = 50;

const alertHead = heads(securityLog);

/**
 * The place before an alert.
 * @throws BAD_USER_INPUT for what is no cursor of this log, CURSOR_EXPIRED for one whose alert is no longer kept
 */
const seqBefore = (before: string, head: Head | null): number => {
  const position = decodeCursor(securityLog.name, ADMINISTRATORS, before, 'before');
  assertReadable(securityLog.name, ADMINISTRATORS, position, head);
  return Math.max(position.seq - 1, 0);
};

const MEANINGS: Readonly<Record<AlertKind, string>> = {
  ACCOUNT_ATTACKED: 'Many wrong passwords were given for one account, from many addresses. The subject is the account, where there is one.',
  AUDIT_BROKEN:
    'A row of the audit or a seal was changed or removed: `detail.faults` says how many do not fit, `detail.first` the first of them.',
  AUDIT_KEY_DESTROYED: 'From where the subject has acted can no longer be read, since the account was deleted.',
  REFRESH_TOKEN_CAME_BACK:
    'A refresh token that was used before came back, so somebody may have a copy: the session has ended. The subject is its user.',
  ROLE_CHANGED: 'The subject has another role: `detail.before` and `detail.role`.',
  SENDER_BANNED:
    'So much of what somebody sent had to be refused that nothing is answered to them for `detail.forMs`: the subject, or else `detail.ip`.',
  SIGN_INS_FAILED:
    'Within an hour there were `detail.failures` wrong passwords on the whole server, for `detail.accounts` accounts or more.',
};

const SecurityAlertKind = builder.enumType('SecurityAlertKind', {
  description: 'What an alert is about.',
  values: Object.fromEntries(ALERT_KINDS.map((kind) => [kind, { description: MEANINGS[kind] }])) as Record<
    AlertKind,
    { description: string }
  >,
});

export const SecurityAlert = builder.objectRef<LogEvent<SecurityEvents>>('SecurityAlert').implement({
  description: 'Something that may be an attack, and that administrators should look at soon. They get it by mail as well.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'The position of this alert: give it as `after` to go on behind it.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was noticed.' }),
    kind: t.expose('kind', { type: SecurityAlertKind, description: 'What it is about.' }),
    subject: t.node({
      price: { own: BY_ID / 2, once: STATEMENT },
      description: 'Whom or what it concerns; null where that is nobody who is known, or is gone.',
      id: ({ ref: { subject } }) => (subject === null ? null : encodeId(subject.type, subject.id)),
    }),
    detail: t.string({
      description: 'What else is to be known of it, as a JSON object; each kind has fields of its own.',
      resolve: ({ ref: { detail } }) => JSON.stringify(detail),
    }),
  }),
});

builder.queryFields((t) => ({
  securityAlerts: t.field({
    type: [SecurityAlert],
    nullable: true,
    authScopes: { role: 'ADMIN' },
    price: { items: LISTED, once: 2 * STATEMENT },
    description: `The latest alerts, ${LISTED} at the most, the latest last: follow \`securityAlertAdded(after:)\` from its cursor. For administrators.`,
    args: { before: t.arg.string({ description: "The latest before this alert: an alert's cursor." }) },
    resolve: async (_root, { before }, context) => {
      const head = await alertHead(context, ADMINISTRATORS);
      const end = typeof before === 'string' ? seqBefore(before, head) : (head?.lastSeq ?? 0);
      if (end === 0) return [];
      const start = Math.max(end - LISTED, 0);
      const events = await readEvents(context.db.prisma, securityLog.name, ADMINISTRATORS, start, end - start);
      // What retention has removed is not there, and what is read in its place was not asked for.
      return events.filter(({ seq }) => seq <= end) as unknown as LogEvent<SecurityEvents>[];
    },
  }),
  securityAlertCursor: t.string({
    nullable: true,
    authScopes: { role: 'ADMIN' },
    price: { own: 1, once: STATEMENT },
    description: 'The position of the alerts: follow `securityAlertAdded(after:)` from here. For administrators.',
    resolve: async (_root, _args, context) => headCursor(securityLog.name, ADMINISTRATORS, await alertHead(context, ADMINISTRATORS)),
  }),
}));

builder.subscriptionField('securityAlertAdded', (t) =>
  t.topic({
    type: SecurityAlert,
    topic: securityLog,
    description:
      'Each alert, once and in order, after `after`; without it, from now. For administrators; it ends with ACCESS_REVOKED for one who no longer is.',
    args: { after: t.arg.string({ description: "A cursor of this log: `Query.securityAlertCursor` or an alert's." }) },
    role: 'ADMIN',
    authorize: ({ after }) => ({ key: ADMINISTRATORS, after }),
    resolve: (event) => event,
  }),
);
