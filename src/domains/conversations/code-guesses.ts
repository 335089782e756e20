import type { Context } from '../../context.js';
import type { CodeKind } from '../../db/generated/prisma/client.js';
import { codeOf, coded } from '../../errors.js';
import type { RateLimitRule } from '../../access/rate-limits.js';

/*
 * Guesses at the codes of rooms, and at passcodes. A right code cannot be told from a wrong one before it is looked at, nor its holder from somebody who
 * guesses, but for what they have done before. So the first code of each user is always looked at, until one was wrong, once and for good; whatever others
 * behind the same address do. Whoever was wrong before, and whoever is not signed in, shares an allowance of wrong ones a day with the others of that address.
 *
 * What an address can try in a day, whatever it does: its allowance of 100 (`roomCodeFromAddress`), and a first code for each of the 300 guests it may
 * make (`signUpOfDay`), so 400. A guest who was wrong is worth nothing on another day either, so making them ahead gains nothing in the long run. How long
 * codes are follows from it: see `join-codes.ts`. RATE_LIMIT_FACTOR multiplies both.
 */

/** What may be tried by an address in a day. */
export const GUESSES_A_DAY = 400;

interface Rules {
  readonly address: RateLimitRule;
  readonly user: RateLimitRule;
  readonly first: RateLimitRule;
}

const RULES: Readonly<Record<CodeKind, Rules>> = {
  ROOM: { address: 'roomCodeFromAddress', user: 'roomCodeByUser', first: 'firstRoomCode' },
  PASSCODE: { address: 'passcodeFromAddress', user: 'passcodeByUser', first: 'firstPasscode' },
};

/**
 * Runs the check of a code.
 * @param work throws NOT_FOUND or FORBIDDEN for a wrong one
 * @throws RATE_LIMITED, before `work` has begun
 */
export const guessCode = async <Result>(context: Context, kind: CodeKind, work: () => Promise<Result>): Promise<Result> => {
  const { viewer, client, limits } = context;
  const { address, user, first } = RULES[kind];
  if (viewer === null) return await limits.guess({ [address]: client.ip }, work).catch(askToComeIn);
  // Of several at the same moment, one is the first.
  if ((await wasWrong(context, kind, viewer.id)) || !(await limits.isAllowed(first, viewer.id)))
    return await limits.guess({ [address]: client.ip, [user]: viewer.id }, work);
  try {
    const found = await work();
    await limits.giveBack(first, viewer.id);
    return found;
  } catch (error) {
    if (isWrong(error)) await noteWrong(context, kind, viewer.id);
    else await limits.giveBack(first, viewer.id);
    throw error;
  }
};

const isWrong = (error: unknown): boolean => ['NOT_FOUND', 'FORBIDDEN'].includes(codeOf(error) ?? '');

const wasWrong = async ({ db }: Context, kind: CodeKind, userId: string): Promise<boolean> =>
  (await db.prisma.codeGuess.count({ where: { userId, kind } })) > 0;

/** Outside of the transaction of a call with a `clientId`, which the wrong code undoes. */
const noteWrong = async ({ db, clock }: Context, kind: CodeKind, userId: string): Promise<void> => {
  await (db.outer ?? db).prisma.codeGuess.createMany({ data: [{ userId, kind, at: new Date(clock.now()) }], skipDuplicates: true });
};

/** Whoever is not signed in has another way, which is nobody else's to take from them. */
const askToComeIn = (error: unknown): never => {
  if (codeOf(error) !== 'RATE_LIMITED') throw error;
  const { retryAfterMs } = (error as { readonly extensions: Readonly<Record<string, unknown>> }).extensions;
  throw coded(
    'RATE_LIMITED',
    'Too many codes of no room have come from your address. Sign in, as a guest if you like, and yours is looked at.',
    {
      retryAfterMs,
    },
  );
};
