import { catalogue } from '../i18n/catalogue.js';

/** What administrators are alerted of, in words. */
export const alertTexts = catalogue({
  en: {
    came: 'Security alert: {what}',
    see: 'See it',
    ACCOUNT_ATTACKED: 'Somebody is guessing at the password of an account',
    AUDIT_BROKEN: 'The audit was changed',
    AUDIT_KEY_DESTROYED: 'From where a person has acted can no longer be read',
    REFRESH_TOKEN_CAME_BACK: 'A refresh token that was used before came back',
    ROLE_CHANGED: 'Somebody has another role',
    SENDER_BANNED: 'Somebody sent too much that had to be refused',
    SIGN_INS_FAILED: 'Many sign-ins have failed',
  },
  de: {
    came: 'Sicherheitswarnung: {what}',
    see: 'Ansehen',
    ACCOUNT_ATTACKED: 'Jemand probiert Passwörter eines Kontos aus',
    AUDIT_BROKEN: 'Das Protokoll wurde verändert',
    AUDIT_KEY_DESTROYED: 'Von wo jemand gehandelt hat, ist nicht mehr lesbar',
    REFRESH_TOKEN_CAME_BACK: 'Ein schon benutztes Auffrischungstoken kam wieder',
    ROLE_CHANGED: 'Jemand hat eine andere Rolle',
    SENDER_BANNED: 'Jemand hat zu viel gesendet, das abgelehnt werden musste',
    SIGN_INS_FAILED: 'Viele Anmeldungen sind gescheitert',
  },
});
