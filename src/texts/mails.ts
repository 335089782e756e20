import type { Language } from './language.js';

/** A mail in words: paragraphs, then a button where there is something to do, then the rest. */
export interface MailText {
  readonly subject: string;
  readonly before: readonly string[];
  /** What the link of the mail does. */
  readonly action?: string;
  readonly after: readonly string[];
}

/** What each kind of mail speaks of. */
export interface MailValues {
  readonly verifyEmail: { readonly username: string; readonly until: string };
  readonly addressTaken: { readonly username: string };
  readonly emailChanged: { readonly username: string };
  readonly resetPassword: { readonly username: string; readonly until: string };
  readonly newDevice: { readonly username: string; readonly device: string | null; readonly ip: string | null; readonly at: string };
  readonly passwordChanged: { readonly username: string; readonly at: string };
  readonly newApiKey: { readonly username: string; readonly name: string; readonly at: string };
  readonly signIn: { readonly username: string; readonly until: string };
  readonly attempts: { readonly username: string };
  readonly identityLinked: { readonly username: string; readonly issuer: string; readonly at: string };
  readonly securityAlert: { readonly username: string; readonly kind: Alert; readonly count: number; readonly at: string };
  readonly codeAttempts: { readonly username: string };
  readonly secondFactor: { readonly username: string; readonly change: FactorChange; readonly at: string };
}

/** What administrators are alerted of. */
type Alert =
  | 'ACCOUNT_ATTACKED'
  | 'AUDIT_BROKEN'
  | 'AUDIT_KEY_DESTROYED'
  | 'REFRESH_TOKEN_CAME_BACK'
  | 'ROLE_CHANGED'
  | 'SENDER_BANNED'
  | 'SIGN_INS_FAILED';

/** What has become of a second factor. */
type FactorChange =
  | 'REMOVED_BY_ADMINISTRATOR'
  | 'PASSKEY_ADDED'
  | 'PASSKEY_REMOVED'
  | 'TOTP_ON'
  | 'TOTP_OFF'
  | 'RECOVERY_CODE_USED'
  | 'RECOVERY_CODES_RENEWED';

export type MailKind = keyof MailValues;

type Catalogue = { readonly [Kind in MailKind]: (values: MailValues[Kind]) => MailText };

const ALERTS_EN: Readonly<Record<Alert, string>> = {
  ACCOUNT_ATTACKED: 'Somebody is guessing at the password of an account',
  AUDIT_BROKEN: 'The audit was changed',
  AUDIT_KEY_DESTROYED: 'From where a person has acted can no longer be read',
  REFRESH_TOKEN_CAME_BACK: 'A refresh token that was used before came back',
  ROLE_CHANGED: 'Somebody has another role',
  SENDER_BANNED: 'Somebody sent too much that had to be refused',
  SIGN_INS_FAILED: 'Many sign-ins have failed',
};

const ALERTS_DE: Readonly<Record<Alert, string>> = {
  ACCOUNT_ATTACKED: 'Jemand probiert Passwörter eines Kontos aus',
  AUDIT_BROKEN: 'Das Protokoll wurde verändert',
  AUDIT_KEY_DESTROYED: 'Von wo jemand gehandelt hat, ist nicht mehr lesbar',
  REFRESH_TOKEN_CAME_BACK: 'Ein schon benutztes Auffrischungstoken kam wieder',
  ROLE_CHANGED: 'Jemand hat eine andere Rolle',
  SENDER_BANNED: 'Jemand hat zu viel gesendet, das abgelehnt werden musste',
  SIGN_INS_FAILED: 'Viele Anmeldungen sind gescheitert',
};

const en: Catalogue = {
  verifyEmail: ({ username, until }) => ({
    subject: 'Confirm your mail address',
    before: [`Somebody has given this address for the account ${username} at Lyceum. If it was you, confirm that it is yours.`],
    action: 'Confirm the address',
    after: [`The link is good until ${until}.`, 'If it was not you, there is nothing to do: without the link, the address is not used.'],
  }),
  addressTaken: ({ username }) => ({
    subject: 'You have an account already',
    before: [
      `Somebody wanted to use this address for another account at Lyceum. It belongs to your account ${username}, and nothing has changed.`,
      'If it was you, sign in with that account. If you do not know its password, you can choose a new one.',
    ],
    action: 'Choose a new password',
    after: ['If it was not you, there is nothing to do. Whoever it was has not been told that you have an account.'],
  }),
  emailChanged: ({ username }) => ({
    subject: 'Your mail address has been changed',
    before: [`Your account ${username} at Lyceum has another mail address now. Nothing more is sent to this one.`],
    after: ['If it was not you, somebody else has your password: write to those who run this server.'],
  }),
  resetPassword: ({ username, until }) => ({
    subject: 'Choose a new password',
    before: [`Somebody has asked for a new password for your account ${username} at Lyceum. If it was you, choose one here.`],
    action: 'Choose a new password',
    after: [
      `The link is good once, until ${until}. All devices are signed out then.`,
      'If it was not you, there is nothing to do: the password stays as it is.',
    ],
  }),
  newDevice: ({ username, device, ip, at }) => ({
    subject: 'A new device has signed in',
    before: [
      `Somebody has signed in to your account ${username} at Lyceum from a device or a network that you have not used lately.`,
      `Device: ${device ?? 'not known'}. Address: ${ip ?? 'not known'}. Time: ${at}.`,
    ],
    action: 'See your devices',
    after: ['If it was you, there is nothing to do. If it was not, sign that device out there and change your password.'],
  }),
  passwordChanged: ({ username, at }) => ({
    subject: 'Your password has been changed',
    before: [`The password of your account ${username} at Lyceum was changed on ${at}. Other devices have been signed out.`],
    action: 'Choose a new password',
    after: ['If it was you, there is nothing to do. If it was not, choose a new password at once.'],
  }),
  newApiKey: ({ username, name, at }) => ({
    subject: 'A new API key',
    before: [`An API key “${name}” was made on ${at} for your account ${username} at Lyceum. A program that has it can act for you.`],
    action: 'See your keys',
    after: ['If it was you, there is nothing to do. If it was not, revoke the key there and change your password, which ends all keys.'],
  }),
  signIn: ({ username, until }) => ({
    subject: 'Sign in with this link',
    before: [
      `Somebody has given the right password of your account ${username} at Lyceum, from an address that is not known. Others are guessing at passwords at the moment, so the password alone does not let anybody in from there. If it was you, sign in here.`,
    ],
    action: 'Sign in',
    after: [
      `The link is good once, until ${until}.`,
      'If it was not you, somebody else has your password: do not open the link, and choose a new password at once.',
    ],
  }),
  attempts: ({ username }) => ({
    subject: 'Somebody is guessing at your password',
    before: [
      `Many wrong passwords have been given for your account ${username} at Lyceum within an hour. Nobody got in by them.`,
      'You get in as before where you have signed in already. Elsewhere you may be sent a link to sign in with, or have to wait after a wrong password.',
    ],
    action: 'Choose a new password',
    after: ['A password that is long, and used nowhere else, need not be changed.'],
  }),
  identityLinked: ({ username, issuer, at }) => ({
    subject: 'Your account has another way to sign in',
    before: [`Since ${at}, one can sign in to your account ${username} at Lyceum with ${issuer}.`],
    action: 'See how you sign in',
    after: ['If it was you, there is nothing to do. If it was not, end that there, sign out all devices and change your password.'],
  }),
  securityAlert: ({ username, kind, count, at }) => ({
    subject: `Security alert: ${ALERTS_EN[kind]}`,
    before: [
      `You administer a Lyceum server as ${username}. ${ALERTS_EN[kind]}: ${count === 1 ? 'once' : `${count} times`} since the last mail of this kind, at last on ${at}.`,
    ],
    action: 'See the alerts',
    after: ['A mail of one kind comes once an hour at the most.'],
  }),
  codeAttempts: ({ username }) => ({
    subject: 'Somebody knows your password',
    before: [
      `Somebody has given the right password of your account ${username} at Lyceum, and then many wrong codes. Nobody got in by them.`,
      'If it was not you, choose a new password at once.',
    ],
    action: 'Choose a new password',
    after: ['Until then you may be sent a link after a right code, where you have not signed in before.'],
  }),
  secondFactor: ({ username, change, at }) => ({
    subject: CHANGES_EN[change],
    before: [`${CHANGES_EN[change]}: at Lyceum, for your account ${username}, on ${at}.`],
    action: 'See your settings',
    after: [
      'If it was you, there is nothing to do. If it was not, somebody else is in your account: sign all devices out there and change your password.',
    ],
  }),
};

const CHANGES_EN: Readonly<Record<FactorChange, string>> = {
  REMOVED_BY_ADMINISTRATOR: 'An administrator has removed your second factor',
  PASSKEY_ADDED: 'A passkey has been added',
  PASSKEY_REMOVED: 'A passkey has been removed',
  TOTP_ON: 'Signing in takes a code of your app now',
  TOTP_OFF: 'Codes of your app have been turned off',
  RECOVERY_CODE_USED: 'A recovery code has been used',
  RECOVERY_CODES_RENEWED: 'New recovery codes have been made',
};

const de: Catalogue = {
  verifyEmail: ({ username, until }) => ({
    subject: 'Mailadresse bestätigen',
    before: [
      `Jemand hat diese Adresse für das Konto ${username} bei Lyceum angegeben. Wenn Sie das waren, bestätigen Sie, dass es Ihre ist.`,
    ],
    action: 'Adresse bestätigen',
    after: [`Der Link gilt bis ${until}.`, 'Wenn Sie das nicht waren, ist nichts zu tun: Ohne den Link wird die Adresse nicht verwendet.'],
  }),
  addressTaken: ({ username }) => ({
    subject: 'Sie haben schon ein Konto',
    before: [
      `Jemand wollte diese Adresse für ein weiteres Konto bei Lyceum verwenden. Sie gehört zu Ihrem Konto ${username}, und nichts hat sich geändert.`,
      'Wenn Sie das waren, melden Sie sich mit diesem Konto an. Wenn Sie das Passwort nicht kennen, können Sie ein neues wählen.',
    ],
    action: 'Neues Passwort wählen',
    after: ['Wenn Sie das nicht waren, ist nichts zu tun. Wer es war, hat nicht erfahren, dass Sie ein Konto haben.'],
  }),
  emailChanged: ({ username }) => ({
    subject: 'Ihre Mailadresse wurde geändert',
    before: [`Ihr Konto ${username} bei Lyceum hat jetzt eine andere Mailadresse. An diese hier wird nichts mehr geschickt.`],
    after: ['Wenn Sie das nicht waren, kennt jemand anderes Ihr Passwort: Schreiben Sie denen, die diesen Server betreiben.'],
  }),
  resetPassword: ({ username, until }) => ({
    subject: 'Neues Passwort wählen',
    before: [`Jemand hat ein neues Passwort für Ihr Konto ${username} bei Lyceum verlangt. Wenn Sie das waren, wählen Sie es hier.`],
    action: 'Neues Passwort wählen',
    after: [
      `Der Link gilt einmal, bis ${until}. Alle Geräte werden dann abgemeldet.`,
      'Wenn Sie das nicht waren, ist nichts zu tun: Das Passwort bleibt, wie es ist.',
    ],
  }),
  newDevice: ({ username, device, ip, at }) => ({
    subject: 'Anmeldung mit einem neuen Gerät',
    before: [
      `Jemand hat sich mit Ihrem Konto ${username} bei Lyceum angemeldet, mit einem Gerät oder aus einem Netz, das Sie zuletzt nicht verwendet haben.`,
      `Gerät: ${device ?? 'unbekannt'}. Adresse: ${ip ?? 'unbekannt'}. Zeit: ${at}.`,
    ],
    action: 'Ihre Geräte ansehen',
    after: ['Wenn Sie das waren, ist nichts zu tun. Wenn nicht, melden Sie das Gerät dort ab und ändern Sie Ihr Passwort.'],
  }),
  passwordChanged: ({ username, at }) => ({
    subject: 'Ihr Passwort wurde geändert',
    before: [`Das Passwort Ihres Kontos ${username} bei Lyceum wurde am ${at} geändert. Andere Geräte wurden abgemeldet.`],
    action: 'Neues Passwort wählen',
    after: ['Wenn Sie das waren, ist nichts zu tun. Wenn nicht, wählen Sie gleich ein neues Passwort.'],
  }),
  newApiKey: ({ username, name, at }) => ({
    subject: 'Ein neuer API-Schlüssel',
    before: [
      `Am ${at} wurde für Ihr Konto ${username} bei Lyceum der API-Schlüssel „${name}“ angelegt. Ein Programm, das ihn hat, kann für Sie handeln.`,
    ],
    action: 'Ihre Schlüssel ansehen',
    after: [
      'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, widerrufen Sie den Schlüssel dort und ändern Sie Ihr Passwort: Damit enden alle Schlüssel.',
    ],
  }),
  signIn: ({ username, until }) => ({
    subject: 'Mit diesem Link anmelden',
    before: [
      `Jemand hat das richtige Passwort Ihres Kontos ${username} bei Lyceum angegeben, von einer Adresse, die nicht bekannt ist. Zurzeit probieren andere Passwörter aus, deshalb genügt das Passwort allein dort nicht. Wenn Sie das waren, melden Sie sich hier an.`,
    ],
    action: 'Anmelden',
    after: [
      `Der Link gilt einmal, bis ${until}.`,
      'Wenn Sie das nicht waren, kennt jemand anderes Ihr Passwort: Öffnen Sie den Link nicht, und wählen Sie gleich ein neues Passwort.',
    ],
  }),
  attempts: ({ username }) => ({
    subject: 'Jemand probiert Passwörter an Ihrem Konto aus',
    before: [
      `Für Ihr Konto ${username} bei Lyceum wurden innerhalb einer Stunde viele falsche Passwörter angegeben. Niemand ist damit hineingekommen.`,
      'Wo Sie schon angemeldet waren, kommen Sie hinein wie bisher. Anderswo bekommen Sie vielleicht einen Link zum Anmelden, oder müssen nach einem falschen Passwort warten.',
    ],
    action: 'Neues Passwort wählen',
    after: ['Ein Passwort, das lang ist und nirgends sonst verwendet wird, muss nicht geändert werden.'],
  }),
  identityLinked: ({ username, issuer, at }) => ({
    subject: 'Ihr Konto hat einen weiteren Weg zur Anmeldung',
    before: [`Seit ${at} kann man sich bei Ihrem Konto ${username} bei Lyceum mit ${issuer} anmelden.`],
    action: 'Wege zur Anmeldung ansehen',
    after: [
      'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, beenden Sie das dort, melden Sie alle Geräte ab und ändern Sie Ihr Passwort.',
    ],
  }),
  securityAlert: ({ username, kind, count, at }) => ({
    subject: `Sicherheitswarnung: ${ALERTS_DE[kind]}`,
    before: [
      `Sie verwalten einen Lyceum-Server als ${username}. ${ALERTS_DE[kind]}: ${count === 1 ? 'einmal' : `${count}-mal`} seit der letzten Mail dieser Art, zuletzt am ${at}.`,
    ],
    action: 'Warnungen ansehen',
    after: ['Eine Mail einer Art kommt höchstens einmal in der Stunde.'],
  }),
  codeAttempts: ({ username }) => ({
    subject: 'Jemand kennt Ihr Passwort',
    before: [
      `Jemand hat das richtige Passwort Ihres Kontos ${username} bei Lyceum angegeben und dann viele falsche Codes. Niemand ist damit hineingekommen.`,
      'Wenn Sie das nicht waren, wählen Sie gleich ein neues Passwort.',
    ],
    action: 'Neues Passwort wählen',
    after: ['Bis dahin bekommen Sie nach einem richtigen Code vielleicht einen Link, wo Sie noch nicht angemeldet waren.'],
  }),
  secondFactor: ({ username, change, at }) => ({
    subject: CHANGES_DE[change],
    before: [`${CHANGES_DE[change]}: bei Lyceum, für Ihr Konto ${username}, am ${at}.`],
    action: 'Ihre Einstellungen ansehen',
    after: [
      'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, ist jemand anderes in Ihrem Konto: Melden Sie dort alle Geräte ab und ändern Sie Ihr Passwort.',
    ],
  }),
};

const CHANGES_DE: Readonly<Record<FactorChange, string>> = {
  REMOVED_BY_ADMINISTRATOR: 'Ihr zweiter Faktor wurde von einem Administrator entfernt',
  PASSKEY_ADDED: 'Ein Passkey wurde hinzugefügt',
  PASSKEY_REMOVED: 'Ein Passkey wurde entfernt',
  TOTP_ON: 'Zum Anmelden braucht es jetzt einen Code Ihrer App',
  TOTP_OFF: 'Codes Ihrer App wurden abgeschaltet',
  RECOVERY_CODE_USED: 'Ein Wiederherstellungscode wurde verwendet',
  RECOVERY_CODES_RENEWED: 'Neue Wiederherstellungscodes wurden gemacht',
};

const CATALOGUES: Readonly<Record<Language, Catalogue>> = { en, de };

/** A kind of mail in somebody's language. */
export const mailText = <Kind extends MailKind>(language: Language, kind: Kind, values: MailValues[Kind]): MailText =>
  CATALOGUES[language][kind](values);
