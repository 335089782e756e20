import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { createLimiter } from '../db/limiter.js';

/**
 * Argon2id with 19 MiB, two passes and one thread: what OWASP's Password Storage Cheat Sheet asks for at least. A
 * stored hash that begins otherwise was made with other parameters.
 */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };
const PREFIX = `$argon2id$v=19$m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=${PARAMETERS.parallelism}$`;

/** No password's hash, but checking a password against it costs what any other check costs. */
const NOBODYS_HASH = `${PREFIX}${'A'.repeat(22)}$${'A'.repeat(43)}`;

/**
 * Hashing runs in libuv's pool, whose four threads also read files and resolve names: one is left for them. Whoever
 * finds MAX_WAITING others in line would wait for seconds and is turned away instead.
 */
const MAX_RUNNING = Math.min(3, availableParallelism());
const MAX_WAITING = 500;

/** Longer than the line, at its longest, takes to be served. */
const MAX_WAIT_MS = 30_000;

const limited = createLimiter(MAX_RUNNING, MAX_WAIT_MS, MAX_WAITING);

/** The same password typed on another keyboard may consist of other code points; NIST SP 800-63B asks for this. */
const normalised = (password: string): string => password.normalize('NFKC');

/**
 * Hashes a password, into the PHC string format.
 * @throws UNAVAILABLE when too many wait for the same
 */
export const hashPassword = (password: string): Promise<string> => limited(() => hash(normalised(password), PARAMETERS));

/**
 * Whether this is the password of the hash. It takes the same time when there is no hash at all, so that the answer's
 * delay does not tell who has an account.
 * @throws UNAVAILABLE when too many wait for the same
 */
export const verifyPassword = async (passwordHash: string | null, password: string): Promise<boolean> => {
  const matches = await limited(() => verify(passwordHash ?? NOBODYS_HASH, normalised(password)));
  return matches && passwordHash !== null;
};

/** Whether the hash was made with other parameters than those of today. */
export const isOutdated = (passwordHash: string): boolean => !passwordHash.startsWith(PREFIX);
