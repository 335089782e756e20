import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import type { Clock } from '../clock.js';
import { ConfigError, type Config } from '../config.js';
import type { Database } from '../db/database.js';
import type { Tx } from '../db/transact.js';
import { hasCode } from '../observability/failures.js';
import type { Log } from '../observability/log.js';
import { encryptedColumn } from './encrypted-column.js';
import type { MasterKey } from './master-key.js';

/*
 * The keys that sign access tokens. The operator gives them in JWT_PRIVATE_KEY, the first of which signs; without that they are in the database, under
 * the master key, so that all processes on it agree. Which of them has signed a token is said by its `kid`.
 *
 * A key is replaced with an overlap. The new one is published before it signs, for as long as others may keep what was published before; the one
 * before it verifies for as long as a token lives that it has signed.
 */

/** How access tokens are signed. */
export type TokenAlgorithm = 'EdDSA' | 'ES256';

export interface SigningKey {
  /** The thumbprint of its public key (RFC 7638). */
  readonly kid: string;
  readonly alg: TokenAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The public key, as it is published. */
  readonly jwk: JWK;
  /** In milliseconds since 1970. */
  readonly signsFrom: number;
}

export interface SigningKeys {
  /** The one that signs at this moment. */
  readonly current: () => SigningKey;
  readonly all: () => readonly SigningKey[];
  /** The key of this name; looked for in the database when it is not known here, since another process may have begun to use it. */
  readonly find: (kid: string) => Promise<SigningKey | null>;
  readonly stop: () => Promise<void>;
}

/** For how long a new key is published before it signs, in milliseconds: twice as long as what is published may be kept by others. */
const ANNOUNCED_MS = 600_000;
/** For how long a key verifies after another one has begun to sign, in milliseconds: an hour more than a token can live. */
const OVERLAP_MS = 25 * 3_600_000;
/** How often the database is asked for keys, in milliseconds, and at the most for the sake of a name that nobody knows. */
const LOOK_MS = 60_000;
const LOOK_FOR_UNKNOWN_MS = 1_000;
/** For how long a process that has not said so again counts as using its key, in milliseconds. */
const IN_USE_MS = 3 * LOOK_MS;

const PURPOSE = 'signing keys';
/** Held by whoever makes the first key. */
const FIRST_KEY_LOCK = 4_951_220_761;

/**
 * Reads private keys.
 * @param pem one or several in PKCS#8 PEM, the one that signs first
 * @param source what they are called in errors
 * @throws ConfigError for what is neither Ed25519 nor P-256
 */
export const readKeys = async (pem: string, source: string, signsFrom = 0): Promise<readonly [SigningKey, ...SigningKey[]]> => {
  const [first = '', ...others] = pem.match(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/g) ?? [];
  return [await readKey(first, source, signsFrom), ...(await Promise.all(others.map((each) => readKey(each, source, signsFrom))))];
};

const readKey = async (pem: string, source: string, signsFrom: number): Promise<SigningKey> => {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    // The cause is left out because it might quote the key.
    throw new ConfigError(`${source} is not a private key in PKCS#8 PEM form.`);
  }
  const alg = algorithmOf(privateKey);
  if (alg === null) throw new ConfigError(`${source} must be an Ed25519 or a P-256 key.`);
  const publicKey = createPublicKey(privateKey);
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, alg, privateKey, publicKey, jwk: { ...jwk, kid, alg, use: 'sig' }, signsFrom };
};

const algorithmOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): TokenAlgorithm | null => {
  if (asymmetricKeyType === 'ed25519') return 'EdDSA';
  return asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'ES256' : null;
};

/** Keys that do not change. The first one signs. */
export const fixedKeys = (keys: readonly [SigningKey, ...SigningKey[]]): SigningKeys => {
  const byKid = new Map(keys.map((key) => [key.kid, key]));
  return {
    current: () => keys[0],
    all: () => keys,
    find: (kid) => Promise.resolve(byKid.get(kid) ?? null),
    stop: () => Promise.resolve(),
  };
};

export interface SigningKeysOptions {
  readonly config: Pick<Config, 'dataDir' | 'jwt'>;
  readonly db: Database;
  readonly masterKey: MasterKey;
  readonly clock: Clock;
  readonly log: Log;
  /** Names this process among those on the database. */
  readonly processId: string;
}

/**
 * Opens the signing keys, and makes the first one where there is none.
 * @throws ConfigError when a process that is running signs with a key that this one could not verify
 */
export const openSigningKeys = async (options: SigningKeysOptions): Promise<SigningKeys> => {
  const { config, db, log, processId } = options;
  const keys =
    config.jwt.privateKey === null ? await storedKeys(options) : fixedKeys(await readKeys(config.jwt.privateKey, 'JWT_PRIVATE_KEY'));
  const unknown: string[] = [];
  for (const { kid } of await db.prisma.$queryRaw<{ readonly kid: string }[]>`
    SELECT DISTINCT kid FROM signing_key_use WHERE seen_at > now() - ${IN_USE_MS} * interval '1 millisecond'`)
    if ((await keys.find(kid)) === null) unknown.push(kid);
  if (unknown.length > 0)
    throw new ConfigError(
      `JWT_PRIVATE_KEY: another process on this database signs access tokens with a key that this one does not have (${unknown.join(', ')}). ` +
        'Give all processes the same keys, or none.',
    );

  const tell = async (): Promise<void> => {
    const { kid } = keys.current();
    await db.prisma.$executeRaw`
      INSERT INTO signing_key_use (process_id, kid, seen_at) VALUES (${processId}::uuid, ${kid}, now())
      ON CONFLICT (process_id) DO UPDATE SET kid = ${kid}, seen_at = now()`;
  };
  // A database that cannot be written to is no reason not to start.
  const told = (): Promise<void> => tell().catch((error: unknown) => log.debug({ err: error }, 'the use of a signing key was not noted'));
  await told();
  const timer = setInterval(() => void told(), LOOK_MS).unref();
  return {
    ...keys,
    stop: async () => {
      clearInterval(timer);
      await keys.stop();
      await db.prisma.$executeRaw`DELETE FROM signing_key_use WHERE process_id = ${processId}::uuid`.catch(() => undefined);
    },
  };
};

/** The keys in the database. */
const storedKeys = async ({ config, db, masterKey, clock, log }: SigningKeysOptions): Promise<SigningKeys> => {
  let known: readonly SigningKey[] = [];
  let lookedAt = -Infinity;
  let looking: Promise<void> | null = null;

  const look = async (): Promise<void> => {
    const rows = await db.prisma.signingKey.findMany({ orderBy: { signsFrom: 'desc' } });
    const read: SigningKey[] = [];
    for (const { id, privateKey, signsFrom } of rows) {
      const pem = await masterKey.decrypt(PURPOSE, id, privateKey);
      if (pem === null)
        log.error({ id }, 'a signing key is under a master key that is not there: give it in MASTER_KEY, behind the present one');
      else read.push(...(await readKeys(pem, 'a signing key of the database', signsFrom.getTime())));
    }
    known = read;
    lookedAt = performance.now();
  };
  /** Simultaneous calls look once. */
  const lookAgain = (): Promise<void> => (looking ??= look().finally(() => (looking = null)));

  await look();
  if (known.length === 0) {
    await makeFirst(db, masterKey, (await olderKey(config)) ?? newPem());
    await look();
  }
  if (known.length === 0) throw new ConfigError('MASTER_KEY: the signing keys of the database are under another one.');
  const timer = setInterval(
    () => void lookAgain().catch((error: unknown) => log.debug({ err: error }, 'the signing keys could not be read')),
    LOOK_MS,
  ).unref();
  const among = (kid: string): SigningKey | undefined => known.find((key) => key.kid === kid);
  return {
    current: () => {
      const now = clock.now();
      // The last one signs where a clock says that it is before all of them.
      const key = known.find(({ signsFrom }) => signsFrom <= now) ?? known.at(-1);
      if (key === undefined) throw new Error('There is no signing key.');
      return key;
    },
    all: () => known,
    find: async (kid) => {
      const key = among(kid);
      if (key !== undefined) return key;
      if (performance.now() - lookedAt >= LOOK_FOR_UNKNOWN_MS) await lookAgain();
      return among(kid) ?? null;
    },
    stop: async () => {
      clearInterval(timer);
      await looking?.catch(() => undefined);
    },
  };
};

const newPem = (): string =>
  generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;

/** The key that servers of 0.2 have generated in their folder; null where there is none. Whoever is signed in stays so. */
const olderKey = async ({ dataDir }: Pick<Config, 'dataDir'>): Promise<string | null> => {
  try {
    return await readFile(join(dataDir, 'jwt-key.pem'), 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
};

/** Of several processes that start together, all use the key of the first. */
const makeFirst = (db: Database, masterKey: MasterKey, pem: string): Promise<void> =>
  db.transact(async (tx) => {
    await tx.$queryRaw`SELECT pg_advisory_xact_lock(${FIRST_KEY_LOCK}::bigint)::text`;
    if ((await tx.signingKey.count()) === 0) await store(tx, masterKey, pem, new Date(0));
  });

const store = async (tx: Tx, masterKey: MasterKey, pem: string, signsFrom: Date): Promise<void> => {
  const id = randomUUID();
  await tx.signingKey.create({ data: { id, privateKey: await masterKey.encrypt(PURPOSE, id, pem), signsFrom } });
};

/**
 * Replaces the signing key that is in the database. The new one is published at once and signs from then on.
 * @returns when it begins to sign
 * @throws Error where the operator has given the key, and has to give another
 */
export const rotateSigningKey = async ({
  db,
  config,
  masterKey,
  clock,
}: Pick<SigningKeysOptions, 'db' | 'masterKey' | 'clock'> & { readonly config: Pick<Config, 'jwt'> }): Promise<Date> => {
  if (config.jwt.privateKey !== null)
    throw new Error(
      'JWT_PRIVATE_KEY is set: add the new key behind the present one everywhere, ten minutes later put it first, and take the old one away a day later.',
    );
  const signsFrom = new Date(clock.now() + ANNOUNCED_MS);
  await db.transact((tx) => store(tx, masterKey, newPem(), signsFrom));
  return signsFrom;
};

/** Forgets the keys of which no token can live any more. */
export const forgetSigningKeys = async ({ db, clock }: Pick<SigningKeysOptions, 'db' | 'clock'>): Promise<void> => {
  const successor = await db.prisma.signingKey.findFirst({
    where: { signsFrom: { lte: new Date(clock.now() - OVERLAP_MS) } },
    orderBy: { signsFrom: 'desc' },
  });
  if (successor !== null) await db.prisma.signingKey.deleteMany({ where: { signsFrom: { lt: successor.signsFrom } } });
};

/** The signing keys as rows that are encrypted anew when the master key is replaced. */
export const SIGNING_KEY_ROWS = encryptedColumn(PURPOSE, (prisma) => prisma.signingKey, 'id', 'privateKey');
