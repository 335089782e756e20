import type { Context, Services, TermsConsent } from '../../context.js';
import type { User } from '../../db/generated/prisma/client.js';
import { badInput, coded, notFound } from '../../errors.js';
import { viewerOf } from '../../access/viewer.js';

/** What an operator asks everyone to accept. */
export interface Terms {
  readonly version: string;
  readonly url: string;
}

/** The terms that are asked for; null where none are. */
export const termsOf = ({ accounts: { terms } }: Services['config']): Terms | null =>
  terms.version === null || terms.url === null ? null : { version: terms.version, url: terms.url };

/** So many users are remembered. */
const MOST_REMEMBERED = 100_000;

/**
 * Creates the lookup of who has accepted the present terms, one for each process. Whoever has accepted a version has done so for good, and another version
 * comes with another start: so nobody who has is looked up twice.
 */
export const createTermsConsent = ({ db, config }: Pick<Services, 'db' | 'config'>): TermsConsent => {
  const terms = termsOf(config);
  const accepted = new Set<string>();
  return {
    owed: async (userId) => {
      if (terms === null || accepted.has(userId)) return null;
      if ((await db.prisma.user.count({ where: { id: userId, termsVersion: terms.version } })) === 0) return terms;
      if (accepted.size >= MOST_REMEMBERED) accepted.clear();
      accepted.add(userId);
      return null;
    },
  };
};

/** What is written of a consent. */
const consentTo = ({ version }: Terms, at: number): Pick<User, 'termsVersion' | 'termsAcceptedAt'> => ({
  termsVersion: version,
  termsAcceptedAt: new Date(at),
});

/** What is written of somebody who registers, and names the version that they accept. @throws BAD_USER_INPUT without the present one */
export const consentOfNew = (
  { config, clock }: Pick<Services, 'config' | 'clock'>,
  version: string | null | undefined,
): Partial<Pick<User, 'termsVersion' | 'termsAcceptedAt'>> => {
  const terms = termsOf(config);
  if (terms === null) return {};
  const path = 'input.termsVersion';
  if (version === null || version === undefined) throw badInput({ path, code: 'REQUIRED', message: 'The terms must be accepted.' });
  if (version !== terms.version) throw badInput({ path, code: 'NOT_ALLOWED', message: 'Is not the version of the present terms.' });
  return consentTo(terms, clock.now());
};

/** Writes that the viewer accepts the terms. Accepting them again changes nothing. @throws NOT_FOUND where there are none, CONFLICT for another version */
export const acceptTerms = async (context: Context, version: string): Promise<void> => {
  const { id } = viewerOf(context);
  const terms = termsOf(context.config);
  if (terms === null) throw notFound('Terms');
  if (version !== terms.version) throw coded('CONFLICT', 'These are not the present terms: read them again.');
  await context.db.transact(async (tx) => {
    const where = { id, OR: [{ termsVersion: null }, { termsVersion: { not: version } }] };
    const { count } = await tx.user.updateMany({ where, data: consentTo(terms, context.clock.now()) });
    if (count > 0) tx.audit('acceptTerms', { type: 'User', id }, { version });
  });
};
