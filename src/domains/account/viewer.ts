import type { Services, Viewer } from '../../context.js';
import { TokenError, type Tokens, type TokenSubject } from './tokens.js';

/**
 * Finds out who an access token belongs to; one SQL statement.
 * @throws TokenError; a token whose session has ended is `invalid`
 */
export const authenticate = async (
  { db, clock, tokens }: Pick<Services, 'db' | 'clock'> & { readonly tokens: Tokens },
  token: string,
): Promise<Viewer & { readonly tokenExpiresAt: Date }> => {
  const { expiresAt, ...subject } = await tokens.verify(token);
  return { ...(await findViewer({ db, clock }, subject)), tokenExpiresAt: expiresAt };
};

/**
 * Who the holder of a token is now; one SQL statement.
 * @throws TokenError `invalid` when the session has ended
 */
export const findViewer = async (
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { userId, sessionId }: TokenSubject,
): Promise<Viewer> => {
  const session = await db.prisma.session.findFirst({
    relationLoadStrategy: 'join',
    where: { id: sessionId, userId, revokedAt: null, expiresAt: { gt: new Date(clock.now()) } },
    select: { user: { select: { id: true, username: true, role: true } } },
  });
  if (session === null) throw new TokenError('invalid');
  return { ...session.user, sessionId };
};
