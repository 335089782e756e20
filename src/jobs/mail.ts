import { randomUUID } from 'node:crypto';
import type { Services } from '../context.js';
import type { Tx } from '../db/transact.js';
import type { Mail } from '../integrations/mail.js';
import { defineTask, type Task } from './task.js';

/** What every job of a mail has beside its own payload. */
interface Posted {
  /** Of the mail: the same at each attempt. */
  readonly mailId: string;
  /** When it was asked for, in milliseconds since the epoch. */
  readonly askedAt: number;
}

/** A kind of mail, which a transaction sends by {@link sendMail}. */
export type MailTask<Payload extends object> = Task<Payload & Posted>;

/** A mail that no server has taken for so long is given up, in milliseconds: 3 days. */
const GIVEN_UP_AFTER_MS = 3 * 24 * 60 * 60 * 1_000;

/**
 * Defines a kind of mail.
 * @param write writes it when it is sent, from the rows as they are then; `mailId` tells apart the mails of one kind. Null when there is nothing to
 *   send any more. It may run again for the same mail.
 */
export const mailTask = <Payload extends object>(
  name: string,
  write: (services: Services, payload: Payload, mailId: string) => Promise<Mail | null>,
): MailTask<Payload> =>
  defineTask<Payload & Posted>(name, async (services, payload) => {
    const { mailer, clock, log } = services;
    const { mailId, askedAt } = payload;
    if (clock.now() - askedAt > GIVEN_UP_AFTER_MS)
      return void log.error({ task: name, mail: mailId }, 'a mail could not be sent for days and is given up');
    const mail = await write(services, payload, mailId);
    if (mail !== null) await mailer.send(mailId, mail);
  });

/**
 * Sends a mail once this transaction has committed: by a job, so later when the server is away, and not at all when the transaction fails. It goes once,
 * unless a process ends, or a server hangs up, between taking it and saying so; both mails have the same Message-ID then.
 */
export const sendMail = <Payload extends object>(
  tx: Pick<Tx, 'enqueue'>,
  { clock }: Pick<Services, 'clock'>,
  task: MailTask<Payload>,
  payload: Payload,
): void => {
  tx.enqueue<object>(task, { ...payload, mailId: randomUUID(), askedAt: clock.now() });
};
