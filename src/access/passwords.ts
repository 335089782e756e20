import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { createLimiter } from '../db/limiter.js';

/**
 * Argon2id with 19 MiB, two passes and one thread: the minimum of OWASP's Password Storage Cheat Sheet. A stored hash with another prefix
 * was made with other parameters.
 */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };
const PREFIX = `$argon2id$v=19$m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=${PARAMETERS.parallelism}$`;

/** The hash of no password. Verifying a password against it takes as long as any other verification. */
const NOBODYS_HASH = `${PREFIX}${'A'.repeat(22)}$${'A'.repeat(43)}`;

/**
 * Hashing runs in libuv's pool, whose four threads also read files and resolve names: one thread is left for them. When MAX_WAITING calls
 * already wait, a further one would wait for seconds, so it fails at once instead.
 */
const MAX_RUNNING = Math.min(3, availableParallelism());
const MAX_WAITING = 500;

/** The longest wait for a turn, in milliseconds: more than a full queue needs. */
const MAX_WAIT_MS = 30_000;

const limited = createLimiter(MAX_RUNNING, MAX_WAIT_MS, MAX_WAITING);

/** NFKC-normalises a password, as NIST SP 800-63B asks: the same password typed on another keyboard may consist of other code points. */
const normalised = (password: string): string => password.normalize('NFKC');

/**
 * Hashes a password into the PHC string format.
 * @throws UNAVAILABLE when too many hashes are waiting
 */
export const hashPassword = (password: string): Promise<string> => limited(() => hash(normalised(password), PARAMETERS));

/**
 * Whether the password matches the hash. Without a hash it takes the same time, so the delay of the answer does not reveal whether an
 * account exists.
 * @throws UNAVAILABLE when too many hashes are waiting
 */
export const verifyPassword = async (passwordHash: string | null, password: string): Promise<boolean> => {
  const matches = await limited(() => verify(passwordHash ?? NOBODYS_HASH, normalised(password)));
  return matches && passwordHash !== null;
};

/** Whether the hash was made with other parameters than today's. */
export const isOutdated = (passwordHash: string): boolean => !passwordHash.startsWith(PREFIX);
