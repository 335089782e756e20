import { addressKey } from '../../access/address.js';
import type { Context, Services } from '../../context.js';
import { Prisma } from '../../db/generated/prisma/client.js';
import type { Tx } from '../../db/transact.js';
import { codeOf, coded } from '../../errors.js';
import { alertAdministrators } from '../audit/topics.js';

/*
 * Guesses at passwords. Whoever guesses wrongly has to wait before they may guess at that account again, longer each time; nobody else has to wait for
 * it. So an account has a delay for each origin: for each address, and for each device that it has signed in on before. Whatever others do, the first
 * password that somebody gives is always looked at.
 *
 * Many origins have many first guesses. Beyond a number of wrong ones an account is hunted, and an address that was wrong about many accounts is a
 * hunter; where either is so, an origin that the account has not signed in from is suspect: its delays are long, and where the server sends mails a
 * password alone does not let it in (see `sign-in.ts`).
 *
 * The username and the mail address of an account have delays of their own, unless the device is known, and the account is hunted by the sum of both.
 * With one delay for both, whoever has made a mail address wait could try which username waits with it, and so learn whose address it is.
 *
 * A guess at a name that nobody has is counted as any other, by the same statements.
 *
 * Guesses at the codes of second factors are counted in the same way, beside those at passwords.
 */

type Bytes = Uint8Array<ArrayBuffer>;

/** Wrong passwords that cost no wait, and the wait after one more, in milliseconds, which doubles with each. Of a suspect, the latter. */
const USUAL = { free: 5, firstMs: 1_000 };
const SUSPECT = { free: 1, firstMs: 30_000 };
/** The longest wait, in milliseconds. */
const LONGEST_MS = 15 * 60 * 1_000;
/** How long after the last wrong password all of an origin are forgotten, in milliseconds. */
const FORGOTTEN_AFTER_MS = 24 * 60 * 60 * 1_000;

/** How long wrong passwords make an account hunted, or an address a hunter, in milliseconds. */
const HUNT_MS = 60 * 60 * 1_000;
/** More wrong passwords than that from other origins make an account hunted. */
const HUNTED = 50;
/** More wrong passwords than that at other accounts make an address a hunter. Those of whoever got in at last are not among them. */
const HUNTER = 100;
/** The most wrong passwords of one origin within that time: the free ones, and those after waits of 1, 2, 4 … seconds. Earlier ones do not count. */
const MOST_WAITED_FOR = 13;

/** How often the owner of a hunted account is told of it at the most, in milliseconds. */
const TOLD_EVERY_MS = 24 * 60 * 60 * 1_000;

/** What is guessed at. */
type Guessed = 'passwords' | 'codes';

/** Who guesses at what. */
export interface Guesser {
  readonly guessed: Guessed;
  /** Null where there is no such account. */
  readonly userId: string | null;
  readonly subject: Bytes;
  readonly origin: Bytes;
  /** The same address by the other name of an account; the origin itself where it has but one. */
  readonly twin: Bytes;
  /** The address, as sessions have it. */
  readonly address: Bytes;
  /** Whether it has been shown already that the account has signed in there. */
  readonly isKnown: boolean;
}

type Digests = Pick<Services, 'secretDigest'>;

/** Keyed, so that nobody who reads the database can try what was typed or from where. */
const digest = ({ secretDigest }: Digests, label: string, text: string): Bytes =>
  new Uint8Array(Buffer.from(secretDigest(`guess ${label} ${text}`), 'hex'));

const subjectOf = (context: Digests, userId: string): Bytes => digest(context, 'account', userId);

/** The codes of the account that a subject of passwords is; of those who are suspect apart, most of whom do not know the password. */
const codesOf = (context: Digests, passwords: Uint8Array, isSuspect: boolean): Bytes =>
  digest(context, isSuspect ? 'codes for suspects' : 'codes', Buffer.from(passwords).toString('hex'));

/** The digest of the address that a request comes from, as the sessions that begin there have it. */
export const addressDigest = (context: Digests & Pick<Context, 'client'>): Bytes =>
  digest(context, 'address', addressKey(context.client.ip ?? ''));

/**
 * Somebody who signs in.
 * @param identifier what was typed, by which the account was looked for
 * @param deviceId of a device on which the account has signed in before
 */
export const guesserOf = (
  context: Digests & Pick<Context, 'client'>,
  { userId, identifier, deviceId }: { readonly userId: string | null; readonly identifier: string; readonly deviceId: string | null },
): Guesser => {
  const subject = userId === null ? digest(context, 'nobody', identifier.toLowerCase()) : subjectOf(context, userId);
  const address = addressDigest(context);
  if (deviceId !== null) {
    const origin = digest(context, 'device', deviceId);
    return { guessed: 'passwords', userId, subject, origin, twin: origin, address, isKnown: true };
  }
  const key = addressKey(context.client.ip ?? '');
  const [byName, byMail] = [digest(context, 'by name from', key), digest(context, 'by mail from', key)];
  const [origin, twin] = identifier.includes('@') ? [byMail, byName] : [byName, byMail];
  return { guessed: 'passwords', userId, subject, origin, twin, address, isKnown: false };
};

/**
 * Somebody who has given a password and now gives a code.
 * @param passwords the subject of their guesses at the password
 * @param isSuspect whether they were suspect there, and so have not been told whether it was right
 */
export const codeGuesserOf = (
  context: Digests & Pick<Context, 'client'>,
  given: { readonly userId: string | null; readonly passwords: Uint8Array; readonly isSuspect: boolean; readonly deviceId: string | null },
): Guesser => {
  const { userId, passwords, isSuspect, deviceId } = given;
  const origin =
    deviceId === null ? digest(context, 'codes from', addressKey(context.client.ip ?? '')) : digest(context, 'device', deviceId);
  const [subject, address] = [codesOf(context, passwords, isSuspect), addressDigest(context)];
  return { guessed: 'codes', userId, subject, origin, twin: origin, address, isKnown: deviceId !== null };
};

/** Somebody who is signed in, and gives the password or a code once more. */
export const guesserInSession = (
  context: Digests & Pick<Context, 'client'>,
  { userId, sessionId }: { readonly userId: string; readonly sessionId: string },
  guessed: Guessed = 'passwords',
): Guesser => {
  const origin = digest(context, 'session', sessionId);
  const passwords = subjectOf(context, userId);
  const subject = guessed === 'passwords' ? passwords : codesOf(context, passwords, false);
  return { guessed, userId, subject, origin, twin: origin, address: addressDigest(context), isKnown: true };
};

/** How an attempt is taken. */
export interface Attempt {
  /** Whether the origin is one that the account has not signed in from, while the account is hunted or the address is a hunter. */
  readonly isSuspect: boolean;
  readonly isHunted: boolean;
  /** The wrong ones of this origin, this one included. */
  readonly failures: number;
}

type GuessContext = Pick<Context, 'db' | 'clock' | 'config'>;

const NO_LIMITS: Attempt = { isSuspect: false, isHunted: false, failures: 0 };

/**
 * Counts an attempt as a wrong one before its password is looked at, so that no two pass where one may; {@link forgive} takes it back.
 * @throws RATE_LIMITED with `retryAfterMs` while the origin has to wait; such an attempt is not counted
 */
const admit = async ({ db, clock, config }: GuessContext, guesser: Guesser): Promise<Attempt> => {
  const { factor } = config.rateLimits;
  if (factor === 0) return NO_LIMITS;
  const { guessed, userId, subject, origin, twin, address, isKnown } = guesser;
  const now = clock.now();
  const [at, forgotten, hour] = [new Date(now), new Date(now - FORGOTTEN_AFTER_MS), new Date(now - HUNT_MS)];
  /** What an origin can have done within the hour of the hunt, and of how many rows that may be needed. */
  const most = USUAL.free * factor + MOST_WAITED_FOR;
  const failures = Prisma.sql`(CASE WHEN guess.at < ${forgotten} THEN 1 ELSE guess.failures + 1 END)`;
  const beyond = Prisma.sql`(${failures} - (SELECT free FROM standing))`;
  const [found] = await db.prisma.$queryRaw<
    { readonly isHunted: boolean; readonly isSuspect: boolean; readonly failures: number | null; readonly until: Date | null }[]
  >`
    WITH hunt AS MATERIALIZED (
      SELECT
        (SELECT coalesce(sum(least(failures, ${most})), 0) FROM (
          SELECT failures FROM login_guess
          WHERE subject = ${subject} AND origin NOT IN (${origin}, ${twin}) AND at > ${hour} AND failures > 0 LIMIT ${HUNTED * factor + 1}
        ) others) > ${HUNTED * factor} AS "isHunted",
        (SELECT coalesce(sum(least(failures, ${most})), 0) FROM (
          SELECT failures FROM login_guess
          WHERE origin IN (${origin}, ${twin}) AND subject <> ${subject} AND at > ${hour} LIMIT ${HUNTER * factor + 1}
        ) elsewhere) > ${HUNTER * factor} AS "isHunter",
        ${isKnown} OR EXISTS (SELECT 1 FROM session WHERE user_id = ${userId}::uuid AND origin = ${address}) AS "isKnown"
    ), standing AS MATERIALIZED (
      SELECT "isHunted", is_suspect AS "isSuspect",
        CASE WHEN is_suspect THEN ${SUSPECT.free * factor}::int ELSE ${USUAL.free * factor}::int END AS free,
        CASE WHEN is_suspect THEN ${SUSPECT.firstMs}::int ELSE ${USUAL.firstMs}::int END AS first_ms
      FROM (SELECT "isHunted", NOT "isKnown" AND ("isHunted" OR "isHunter") AS is_suspect FROM hunt) judged
    ), counted AS (
      INSERT INTO login_guess AS guess (subject, origin, failures, at, until)
      SELECT ${subject}, ${origin}, 1, ${at}, NULL FROM standing
      ON CONFLICT (subject, origin) DO UPDATE SET failures = ${failures}, at = ${at}, until = CASE WHEN ${beyond} > 0 THEN
        ${at}::timestamptz + least((SELECT first_ms FROM standing) * power(2, least(${beyond} - 1, 20)), ${LONGEST_MS}) * interval '1 millisecond' END
      WHERE guess.until IS NULL OR guess.until <= ${at}
      RETURNING failures
    )
    SELECT "isHunted", "isSuspect", counted.failures,
      (SELECT until FROM login_guess WHERE subject = ${subject} AND origin = ${origin}) AS until
    FROM standing LEFT JOIN counted ON true`;
  if (found === undefined) throw new Error('A guess has no standing.');
  if (found.failures !== null) return { isSuspect: found.isSuspect, isHunted: found.isHunted, failures: found.failures };
  // What another attempt of the same moment has written is not seen yet: then it is the shortest wait.
  const retryAfterMs = Math.max(USUAL.firstMs, (found.until?.getTime() ?? 0) - now);
  throw coded('RATE_LIMITED', `Too many wrong ${guessed}. Try again in ${Math.ceil(retryAfterMs / 1_000)} seconds.`, { retryAfterMs });
};

/** Takes back an attempt whose password nobody has looked at. */
const giveBack = async ({ db }: Pick<GuessContext, 'db'>, { subject, origin }: Guesser, { failures }: Attempt): Promise<void> => {
  // Whoever was wrong meanwhile has set the wait anew, and that one stays.
  await db.prisma.$executeRaw`
    UPDATE login_guess SET failures = failures - 1, until = CASE WHEN failures = ${failures} THEN NULL ELSE until END
    WHERE subject = ${subject} AND origin = ${origin} AND failures > 0`;
};

/**
 * Looks at a password that somebody has given, unless they have to wait. It counts as wrong until {@link forgive} says otherwise.
 * @throws RATE_LIMITED with `retryAfterMs`, before `look` has begun
 */
export const guess = async (
  context: GuessContext,
  guesser: Guesser,
  look: () => Promise<boolean>,
): Promise<Attempt & { readonly isRight: boolean }> => {
  const attempt = await admit(context, guesser);
  try {
    return { ...attempt, isRight: await look() };
  } catch (error) {
    if (codeOf(error) === 'UNAVAILABLE') await giveBack(context, guesser, attempt);
    throw error;
  }
};

/** Forgets what an origin has guessed wrongly at an account, whose password it has shown to know. */
export const forgive = async ({ db, config }: Pick<GuessContext, 'db' | 'config'>, { subject, origin, twin }: Guesser): Promise<void> => {
  if (config.rateLimits.factor === 0) return;
  await db.prisma.$executeRaw`DELETE FROM login_guess WHERE subject = ${subject} AND origin IN (${origin}, ${twin})`;
};

/** Ends all delays of an account, and that it is hunted. */
export const endDelays = async (context: Digests, tx: Tx, userId: string): Promise<void> => {
  const passwords = subjectOf(context, userId);
  const subjects = [passwords, codesOf(context, passwords, false), codesOf(context, passwords, true)];
  await tx.$executeRaw`DELETE FROM login_guess WHERE subject = ANY(${subjects}::bytea[])`;
};

/** Whether it is time to tell the owner of an account that it is hunted, which it then no longer is for a day. */
export const isTimeToTell = async (context: Digests & Pick<Services, 'clock'>, tx: Tx, { subject }: Guesser): Promise<boolean> => {
  const now = context.clock.now();
  const [at, until] = [new Date(now), new Date(now + TOLD_EVERY_MS)];
  // A row without failures, which is no guess.
  const told = await tx.$executeRaw`
    INSERT INTO login_guess AS told (subject, origin, failures, at, until)
    VALUES (${subject}, ${digest(context, 'told', '')}, 0, ${at}, ${until})
    ON CONFLICT (subject, origin) DO UPDATE SET at = ${at}, until = ${until} WHERE told.until <= ${at}`;
  return told > 0;
};

/** The size of a batch, small enough to be deleted within the statement timeout. */
const DELETE_BATCH = 5_000;

/** Deletes what is forgotten. */
export const deleteOldGuesses = async ({ db, clock }: Pick<Services, 'db' | 'clock'>): Promise<void> => {
  const before = new Date(clock.now() - FORGOTTEN_AFTER_MS);
  for (let swept = DELETE_BATCH; swept === DELETE_BATCH;) {
    swept = await db.prisma.$executeRaw`
      DELETE FROM login_guess WHERE (subject, origin) IN (
        SELECT subject, origin FROM login_guess WHERE at < ${before} LIMIT ${DELETE_BATCH} FOR UPDATE SKIP LOCKED
      )`;
  }
};

/** More wrong passwords than that within an hour, on the whole server, are told to administrators. */
const MANY = 300;
/** How many rows are looked at, each an origin that guesses at an account. */
const MAX_LOOKED_AT = 10_000;
/** Tells administrators when many sign-ins have failed within the last hour, whomever they were at; once an hour at the most. */
export const lookForGuessing = async (services: Digests & Pick<Services, 'db' | 'clock' | 'config'>): Promise<void> => {
  const { db, clock, config } = services;
  const { factor } = config.rateLimits;
  if (factor === 0) return;
  const hour = new Date(clock.now() - HUNT_MS);
  const most = USUAL.free * factor + MOST_WAITED_FOR;
  const [found] = await db.prisma.$queryRaw<{ readonly failures: number; readonly accounts: number }[]>`
    SELECT coalesce(sum(least(failures, ${most})), 0)::int AS failures, count(DISTINCT subject)::int AS accounts
    FROM (SELECT subject, failures FROM login_guess WHERE at > ${hour} AND failures > 0 LIMIT ${MAX_LOOKED_AT}) guesses`;
  if (found === undefined || found.failures <= MANY * factor) return;
  await db.transact(async (tx) => {
    // A row without failures, which is no guess; it is forgotten as others are.
    const now = new Date(clock.now());
    const all = digest(services, 'server', '');
    const told = await tx.$executeRaw`
      INSERT INTO login_guess AS told (subject, origin, failures, at, until) VALUES (${all}, ${all}, 0, ${now}, NULL)
      ON CONFLICT (subject, origin) DO UPDATE SET at = ${now} WHERE told.at <= ${hour}`;
    if (told > 0) alertAdministrators(tx, 'SIGN_INS_FAILED', { detail: { failures: found.failures, accounts: found.accounts } });
  });
};
