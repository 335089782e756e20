import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { vi } from 'vitest';

/** How the server answers a mail: it takes it, refuses it for good or for now, or hangs up without a word although it has it. */
export type SmtpAnswer = 'taken' | 'refused' | 'busy' | 'silence';

export interface TestMail extends ParsedMail {
  /** The addresses of the envelope. */
  readonly recipients: readonly string[];
}

/** A real SMTP server. */
export interface TestSmtp {
  /** `smtp://127.0.0.1:…` */
  readonly url: string;
  /** What it has got, in this order, taken or not. */
  readonly mails: readonly TestMail[];
  /** How it answers from now on. */
  readonly answer: (answer: SmtpAnswer) => void;
  /** The mails to an address, when there are so many. */
  readonly mailsTo: (address: string, count?: number) => Promise<readonly TestMail[]>;
  /** The mail with a subject, when it is there; of several the one with this number, from 1 on. */
  readonly mailWith: (subject: string, of?: { readonly to?: string; readonly number?: number }) => Promise<TestMail>;
  /** Goes away, and comes back at the same port. */
  readonly down: () => Promise<void>;
  readonly up: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const REFUSALS = { refused: 550, busy: 451 } as const;

/** @param first how it answers at the beginning */
export const startSmtp = async (first: SmtpAnswer = 'taken'): Promise<TestSmtp> => {
  const mails: TestMail[] = [];
  let answering = first;
  let port = 0;
  let server: SMTPServer | null = null;
  const sockets = new Set<Socket>();

  const up = async (): Promise<void> => {
    const next = new SMTPServer({
      authOptional: true,
      // The library's own certificate has expired.
      disabledCommands: ['STARTTLS', 'AUTH'],
      onData: (stream, session, callback) => {
        void simpleParser(stream).then((mail) => {
          mails.push({ ...mail, recipients: session.envelope.rcptTo.map(({ address }) => address) });
          if (answering === 'silence') return sockets.forEach((socket) => void socket.destroy());
          const code = answering === 'taken' ? null : REFUSALS[answering];
          callback(code === null ? null : Object.assign(new Error('Not taken.'), { responseCode: code }));
        });
      },
    });
    // What a client leaves behind is no matter of the tests.
    next.on('error', () => undefined);
    next.server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    next.listen(port, '127.0.0.1');
    await once(next.server, 'listening');
    port = (next.server.address() as AddressInfo).port;
    server = next;
  };
  const down = async (): Promise<void> => {
    const gone = server;
    server = null;
    await new Promise<void>((resolve) => (gone === null ? resolve() : gone.close(resolve)));
  };
  await up();

  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    answer: (answer) => (answering = answer),
    mailsTo: (address, count = 1) =>
      vi.waitFor(
        () => {
          const found = mails.filter(({ recipients }) => recipients.includes(address));
          if (found.length < count) throw new Error(`${found.length} of ${count} mails to ${address} have come.`);
          return found;
        },
        { timeout: 60_000, interval: 20 },
      ),
    mailWith: (subject, { to, number = 1 } = {}) =>
      vi.waitFor(
        () => {
          const found = mails.filter((mail) => mail.subject === subject && (to === undefined || mail.recipients.includes(to)))[number - 1];
          if (found === undefined) throw new Error(`Mail ${number} “${subject}” has not come${to === undefined ? '' : ` to ${to}`}.`);
          return found;
        },
        { timeout: 60_000, interval: 20 },
      ),
    down,
    up,
    stop: down,
  };
};

/** The secret of the link in a mail. */
export const secretIn = ({ text = '' }: Pick<ParsedMail, 'text'>): string => /#([0-9a-f]{64})$/m.exec(text)?.[1] ?? '';
