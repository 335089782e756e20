import type { Config } from '../config.js';
import { coded } from '../errors.js';
import { createCondition } from '../observability/condition.js';
import { isMailRefused, reasonOf } from '../observability/failures.js';
import type { Log } from '../observability/log.js';
import type { Language } from '../texts/language.js';
import type { MailText } from '../texts/mails.js';
import { asHtml, asText } from './mail-layout.js';

/** A mail to one person. */
export interface Mail {
  readonly to: string;
  readonly language: Language;
  readonly text: MailText;
  /** Where its action leads. */
  readonly link?: string;
}

/** Sends mails: by SMTP, or, where none is configured, into the log. */
export interface Mailer {
  /**
   * @param id the same for each attempt at one mail, as its Message-ID: a server that took it without saying so can know it again
   * @throws UNAVAILABLE when the server cannot take it at present. A mail that it will never take is logged and done with.
   */
  readonly send: (id: string, mail: Mail) => Promise<void>;
}

/** How long the server may take to be reached, to greet, and to say something at all, in milliseconds. */
const CONNECT_MS = 10_000;
const GREETING_MS = 10_000;
const SILENCE_MS = 30_000;
/** How long the server must have taken mails before it counts as back, in milliseconds. */
const SETTLE_MS = 5_000;
/** So many mails are remembered as taken by the server. */
const MAX_TAKEN = 10_000;

/** Creates the mailer of the configuration. */
export const createMailer = async ({ mail }: Pick<Config, 'mail'>, log: Log): Promise<Mailer> =>
  mail.smtpUrl === null || mail.from === null ? loggingMailer(log) : await smtpMailer(mail.smtpUrl, mail.from, log);

/** What a developer, or an operator without a mail server, needs of a mail: whom it is for, and its link. */
const loggingMailer = (log: Log): Mailer => ({
  send: async (_id, { to, text: { subject }, link }) => log.warn({ to, subject, link }, 'there is no SMTP_URL: this mail is not sent'),
});

const smtpMailer = async (url: string, from: string, log: Log): Promise<Mailer> => {
  // Not loaded where nothing is sent.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    url,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: GREETING_MS,
    socketTimeout: SILENCE_MS,
    // Nothing that is sent comes from a file or another address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = /@([^@>\s]+)>?$/.exec(from)?.[1] ?? 'localhost';
  const away = createCondition({
    log,
    name: 'mail',
    began: 'the mail server takes nothing; mails wait and are tried again',
    over: 'the mail server takes mails again',
  });
  /** A job whose end could not be written runs again: what the server has taken before is not sent anew. */
  const taken = new Set<string>();
  return {
    send: async (id, { to, language, text, link }) => {
      if (taken.has(id)) return;
      try {
        await transport.sendMail({
          from,
          // As an object, since a text may hold several addresses.
          to: { name: '', address: to },
          subject: text.subject,
          text: asText(text, link),
          html: asHtml(text, language, link),
          messageId: `<${id}@${domain}>`,
          headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': language },
        });
      } catch (error) {
        if (!isMailRefused(error)) {
          away.hold(reasonOf(error));
          throw coded('UNAVAILABLE', 'The mail server takes nothing at the moment.', {}, error);
        }
        log.warn({ mail: id, reason: reasonOf(error) }, 'the mail server refuses a mail for good');
      }
      away.clear(SETTLE_MS);
      if (taken.size >= MAX_TAKEN) taken.clear();
      taken.add(id);
    },
  };
};
