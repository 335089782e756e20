import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { ConfigError, type Config } from '../config.js';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { decrypt, encrypt } from '../db/encryption.js';
import type { Tx } from '../db/transact.js';

/*
 * Secrets that must be read again, such as the seeds of second factors, stand in the database encrypted under the master key:
 * `v1.<kid>.<base64>`, bound to what they are for and to their row. The operator gives the key in MASTER_KEY; without that, one is generated in the
 * database, which several processes share and which keeps nothing secret from whoever has a copy of all of it.
 *
 * A key is replaced with an overlap. The new one encrypts at once, those before it only decrypt, until a job has encrypted everything anew
 * (`jobs/encrypted-rows.ts`). Of MASTER_KEY the first one encrypts; of the keys in the database, the newest.
 */

/** A secret for whoever has the master key. */
export interface MasterKey {
  /** @param purpose what the secret is for @param id of its row */
  readonly encrypt: (purpose: string, id: string, text: string) => Promise<string>;
  /** Takes back what `encrypt` has made for the same purpose and row; null for anything else. */
  readonly decrypt: (purpose: string, id: string, encrypted: string) => Promise<string | null>;
  /** How everything begins that is encrypted under the present key. */
  readonly prefix: () => Promise<string>;
}

type Bytes = Uint8Array<ArrayBuffer>;

const ENCRYPTED = /^v1\.([0-9a-f]{16})\.([A-Za-z0-9+/]+={0,2})$/;

/** The name of a key, which tells nothing of it. */
const kidOf = (key: Uint8Array): string => createHash('sha256').update('lyceum master key ').update(key).digest('hex').slice(0, 16);

const prefixOf = (kid: string): string => `v1.${kid}.`;

/** A key of its own for each purpose, so that nothing that was made for one is good for another. */
const subkey = (key: Uint8Array, purpose: string): Uint8Array => new Uint8Array(hkdfSync('sha256', key, '', `lyceum ${purpose}`, 32));

interface Keys {
  readonly current: string | null;
  readonly byKid: ReadonlyMap<string, Uint8Array>;
  /** By a clock that only goes forward. */
  readonly at: number;
}

/** How long it may take until a process knows of a new key in the database, in milliseconds. */
const KNOWN_AFTER_MS = 60_000;

/**
 * Opens the master key.
 * @throws ConfigError when the database has secrets under a key of MASTER_KEY that is not given
 */
export const openMasterKey = async ({
  db,
  config,
}: {
  readonly db: Database;
  readonly config: Pick<Config, 'masterKeys'>;
}): Promise<MasterKey> => {
  const given = new Map(config.masterKeys.map((key) => [kidOf(key), key]));
  const [first = null] = given.keys();
  /** Those that the database knows to be in use. */
  const noted = new Set<string>();

  const load = async (): Promise<Keys> => {
    const rows = await db.prisma.masterKey.findMany({ orderBy: [{ createdAt: 'desc' }, { kid: 'desc' }] });
    noted.clear();
    for (const { kid } of rows) noted.add(kid);
    const stored = rows.flatMap(({ kid, key }) => (key === null ? [] : [[kid, key] as const]));
    return { current: first ?? stored[0]?.[0] ?? null, byKid: new Map([...stored, ...given]), at: performance.now() };
  };

  let keys = await load();
  if (keys.current === null) {
    await addKey(db.prisma);
    keys = await load();
  }
  const missing = [...noted].filter((kid) => !keys.byKid.has(kid));
  if (missing.length > 0)
    throw new ConfigError(
      `MASTER_KEY: the database has secrets under ${missing.length === 1 ? 'a key that is' : 'keys that are'} not given (${missing.join(', ')}). Add what was given before, behind the present one.`,
    );

  /** The present key, noted in the database before anything is encrypted under it. */
  const currentKey = async (): Promise<{ readonly kid: string; readonly key: Uint8Array }> => {
    if (performance.now() - keys.at >= KNOWN_AFTER_MS) keys = await load();
    const { current, byKid } = keys;
    const key = current === null ? undefined : byKid.get(current);
    if (current === null || key === undefined) throw new Error('The database has lost its master key.');
    if (!noted.has(current)) {
      await db.prisma.masterKey.createMany({ data: [{ kid: current }], skipDuplicates: true });
      noted.add(current);
    }
    return { kid: current, key };
  };

  return {
    encrypt: async (purpose, id, text) => {
      const { kid, key } = await currentKey();
      return prefixOf(kid) + Buffer.from(encrypt(subkey(key, purpose), `${kid} ${purpose} ${id}`, text)).toString('base64');
    },
    decrypt: async (purpose, id, encrypted) => {
      const [, kid, base64 = ''] = ENCRYPTED.exec(encrypted) ?? [];
      if (kid === undefined) return null;
      if (!keys.byKid.has(kid)) keys = await load();
      const key = keys.byKid.get(kid);
      return key === undefined ? null : decrypt(subkey(key, purpose), `${kid} ${purpose} ${id}`, Buffer.from(base64, 'base64'));
    },
    prefix: async () => {
      // Whoever rewrites what is under other keys has just been told of a new one.
      keys = await load();
      return prefixOf((await currentKey()).kid);
    },
  };
};

/** Makes a key in the database, which is the present one from now on where MASTER_KEY is not set. */
export const addKey = async (client: Pick<Tx, 'masterKey'>): Promise<void> => {
  const key: Bytes = new Uint8Array(randomBytes(32));
  await client.masterKey.create({ data: { kid: kidOf(key), key } });
};

/** How long an earlier key is kept beside another, in milliseconds: by then every process knows the other, and what was made for a moment has ended. */
const OVERLAP_MS = 24 * 60 * 60 * 1_000;

/** Forgets the keys from before the present one, under which nothing is any more. */
export const forgetEarlierKeys = async ({
  db,
  masterKey,
  clock,
}: {
  readonly db: Database;
  readonly masterKey: MasterKey;
  readonly clock: Clock;
}): Promise<void> => {
  const [, kid = ''] = (await masterKey.prefix()).split('.');
  const present = await db.prisma.masterKey.findUnique({ where: { kid } });
  if (present === null || present.createdAt.getTime() > clock.now() - OVERLAP_MS) return;
  await db.prisma.masterKey.deleteMany({ where: { kid: { not: kid }, createdAt: { lt: present.createdAt } } });
};
