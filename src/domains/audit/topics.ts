import type { Tx } from '../../db/transact.js';
import { logTopic } from '../../realtime/topic.js';

/** What an alert carries: what it is about, and what else is to be known of it. Neither has a secret, or what somebody wrote. */
export interface Alerted {
  readonly subject: { readonly type: string; readonly id: string } | null;
  readonly detail: Readonly<Record<string, string | number>>;
}

export const ALERT_KINDS = [
  'ACCOUNT_ATTACKED',
  'AUDIT_BROKEN',
  'AUDIT_KEY_DESTROYED',
  'REFRESH_TOKEN_CAME_BACK',
  'ROLE_CHANGED',
  'SENDER_BANNED',
  'SIGN_INS_FAILED',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export type SecurityEvents = Readonly<Record<AlertKind, Alerted>>;

/** What administrators should look at soon, in one stream. The audit has all acts; an alert is for the few that may be an attack. */
export const securityLog = logTopic<SecurityEvents>('security', {
  kinds: {
    ACCOUNT_ATTACKED: 'goes on',
    AUDIT_BROKEN: 'goes on',
    AUDIT_KEY_DESTROYED: 'goes on',
    REFRESH_TOKEN_CAME_BACK: 'goes on',
    ROLE_CHANGED: 'goes on',
    SENDER_BANNED: 'goes on',
    SIGN_INS_FAILED: 'goes on',
  },
});

/** The key of that stream. */
export const ADMINISTRATORS = 'all';

/** Tells administrators, live and by mail, once this transaction has committed. */
export const alertAdministrators = (
  tx: Pick<Tx, 'emit'>,
  kind: AlertKind,
  { subject = null, detail = {} }: Partial<Alerted> = {},
): void => {
  tx.emit(securityLog, ADMINISTRATORS, kind, { subject, detail });
};
