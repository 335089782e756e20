import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encryptAgain, rotateMasterKey } from '../../src/jobs/encrypted-rows.js';
import { openMasterKey } from '../../src/access/master-key.js';
import { loadConfig } from '../../src/config.js';
import { startTestApp, type TestApp } from '../kit/app.js';

const DAY_MS = 24 * 60 * 60_000;
const newKey = (): string => randomBytes(32).toString('base64');

let now = Date.now();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ clock: { now: () => now } });
});
afterAll(() => app.stop());

/** Another process on the same database. */
const opened = async (...keys: string[]) =>
  await openMasterKey({ db: app.services.db, config: loadConfig(keys.length === 0 ? {} : { MASTER_KEY: keys.join(',') }) });
const kids = async (): Promise<readonly string[]> => (await app.services.db.prisma.masterKey.findMany()).map(({ kid }) => kid);
const kidOf = (encrypted: string): string => encrypted.split('.')[1] ?? '';

describe('the master key', () => {
  it('is the same for every process without a setting', async () => {
    const [one, other] = [await opened(), await opened()];
    const encrypted = await one.encrypt('seed', 'a', 'what must be read again');
    expect(encrypted).toMatch(/^v1\.[0-9a-f]{16}\.[A-Za-z0-9+/]+=*$/);
    expect(await other.decrypt('seed', 'a', encrypted)).toBe('what must be read again');
  });

  it('binds a secret to what it is for and to its row, and knows one that was changed', async () => {
    const key = await opened();
    const encrypted = await key.encrypt('seed', 'a', 'secret');
    const changed = `${encrypted.slice(0, 30)}${encrypted[30] === 'A' ? 'B' : 'A'}${encrypted.slice(31)}`;
    const cut = encrypted.slice(0, -8);
    for (const [purpose, id, text] of [
      ['seed', 'b', encrypted],
      ['hook', 'a', encrypted],
      ['seed', 'a', changed],
      ['seed', 'a', cut],
      ['seed', 'a', ''],
      ['seed', 'a', encrypted.replace(kidOf(encrypted), '0123456789abcdef')],
    ] as const)
      expect(await key.decrypt(purpose, id, text)).toBeNull();
  });

  it('is replaced while processes go on: what was encrypted before is still read, and anew under the new one', async () => {
    const running = await opened();
    const rows = new Map([['a', await running.encrypt('seed', 'a', 'one')]]);
    await rotateMasterKey(app.services);
    const later = await opened();
    const encrypted = await later.encrypt('seed', 'b', 'two');
    expect(kidOf(encrypted)).not.toBe(kidOf(rows.get('a') ?? ''));
    expect(await running.decrypt('seed', 'b', encrypted)).toBe('two');

    await encryptAgain([
      {
        purpose: 'seed',
        others: async (_db, prefix, after) =>
          [...rows].flatMap(([id, text]) => (id > after && !text.startsWith(prefix) ? [{ id, encrypted: text }] : [])),
        replace: async (_db, { id }, text) => void rows.set(id, text),
      },
    ]).run({ ...app.services, masterKey: later }, {});
    expect(kidOf(rows.get('a') ?? '')).toBe(kidOf(encrypted));
    expect(await later.decrypt('seed', 'a', rows.get('a') ?? '')).toBe('one');
  });

  it('forgets an earlier one a day after nothing is under it any more', async () => {
    const task = encryptAgain([]);
    await task.run(app.services, {});
    expect((await kids()).length).toBeGreaterThan(1);
    now += DAY_MS + 60_000;
    await task.run(app.services, {});
    expect(await kids()).toHaveLength(1);
  });

  it('is the first of the setting, whose others only decrypt, and the database alone cannot tell what is under it', async () => {
    const [before, after] = [newKey(), newKey()];
    const first = await opened(before);
    const encrypted = await first.encrypt('seed', 'a', 'secret');
    const second = await opened(after, before);
    expect(await second.decrypt('seed', 'a', encrypted)).toBe('secret');
    expect(kidOf(await second.encrypt('seed', 'a', 'secret'))).not.toBe(kidOf(encrypted));
    await expect(opened(after)).rejects.toThrow('MASTER_KEY: the database has secrets under a key that is not given');
    await expect(opened()).rejects.toThrow('MASTER_KEY: the database has secrets under keys that are not given');
  });

  it('is not replaced in the database where the operator has given it', async () => {
    const config = loadConfig({ MASTER_KEY: newKey() });
    await expect(rotateMasterKey({ ...app.services, config })).rejects.toThrow('MASTER_KEY is set');
  });

  it('is refused where it has another length', () => {
    expect(() => loadConfig({ MASTER_KEY: 'short' })).toThrow('MASTER_KEY: must be keys of 32 bytes in base64');
  });
});
