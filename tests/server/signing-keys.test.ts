import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encryptAgain, rotateMasterKey } from '../../src/jobs/encrypted-rows.js';
import { DERIVATION_SECRET_ROWS } from '../../src/access/derived-keys.js';
import { forgetSigningKeys, openSigningKeys, rotateSigningKey, SIGNING_KEY_ROWS, type SigningKeys } from '../../src/access/signing-keys.js';
import { ConfigError } from '../../src/config.js';
import { startTestApp, type TestApp } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';

const Me = graphql(`
  query SigningKeysMe {
    me {
      user {
        username
      }
    }
  }
`);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const newPem = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('processes on one database', () => {
  let app: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    app = await startTestApp();
    other = await startTestApp({ database: app.database });
  });
  afterAll(async () => {
    await other.stop();
    await app.stop();
  });

  it('take the tokens of each other, though nobody has given them a key', async () => {
    const ada = await app.user('ada');
    expect((await other.data(Me, {}, ada)).me.user.username).toBe('ada');
    const published = (await (await fetch(new URL('/.well-known/jwks.json', other.url))).json()) as { keys: { kid: string }[] };
    expect(published.keys.map(({ kid }) => kid)).toContain(decodeProtectedHeader(ada.token).kid);
  });

  it('do not start beside one that was given another key', async () => {
    const env = { JWT_PRIVATE_KEY: newPem() };
    await expect(startTestApp({ database: app.database, env })).rejects.toThrow(/JWT_PRIVATE_KEY: another process on this database/);
  });

  it('keep no key that can be read without the master key', async () => {
    const rows = await app.database.query<{ key: string }>('SELECT private_key AS key FROM signing_key');
    expect(rows.length).toBeGreaterThan(0);
    for (const { key } of rows) expect(key).toMatch(/^v1\.[0-9a-f]{16}\./);
  });
});

describe('signing keys', () => {
  let app: TestApp;
  let dataDir: string;
  let now = 0;
  beforeAll(async () => {
    app = await startTestApp();
    dataDir = await mkdtemp(join(tmpdir(), 'lyceum-signing-keys-'));
  });
  afterAll(async () => {
    await rm(dataDir, { recursive: true, force: true });
    await app.stop();
  });
  beforeEach(async () => {
    now = Date.now();
    await app.database.query('DELETE FROM signing_key');
    await app.database.query('DELETE FROM signing_key_use');
  });
  const optionsAt = (folder = dataDir) => {
    const { services } = app;
    const config = { ...services.config, dataDir: folder };
    return { ...services, config, clock: { now: () => now }, processId: randomUUID() };
  };
  /** As a process opens them, which stops at once. */
  const open = async (folder?: string): Promise<SigningKeys> => {
    const keys = await openSigningKeys(optionsAt(folder));
    await keys.stop();
    return keys;
  };

  it('begin with one, however many processes start at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => open()));
    expect(new Set(all.map((keys) => keys.current().kid)).size).toBe(1);
    expect(all.map((keys) => keys.all().length)).toEqual(all.map(() => 1));
  });

  it('begin with the one that an earlier version has left in its folder', async () => {
    const folder = await mkdtemp(join(dataDir, 'older-'));
    const pem = newPem();
    await writeFile(join(folder, 'jwt-key.pem'), pem);
    const { privateKey } = (await open(folder)).current();
    expect(privateKey.export({ type: 'pkcs8', format: 'pem' })).toBe(pem);
  });

  it('are published before they sign, and verify after another one does', async () => {
    const before = (await open()).current().kid;
    await rotateSigningKey(optionsAt());
    const keys = await open();
    expect(keys.all()).toHaveLength(2);
    expect(keys.current().kid).toBe(before);
    now += 11 * MINUTE_MS;
    expect(keys.current().kid).not.toBe(before);
    expect(await keys.find(before)).not.toBeNull();
    await forgetSigningKeys(optionsAt());
    expect((await open()).all()).toHaveLength(2);
    now += 26 * HOUR_MS;
    await forgetSigningKeys(optionsAt());
    expect((await open()).all().map(({ kid }) => kid)).toEqual([keys.current().kid]);
  });

  it('of which a process has not heard are found when a token names them', async () => {
    const keys = await open();
    await rotateSigningKey(optionsAt());
    const fresh =
      (await open())
        .all()
        .map(({ kid }) => kid)
        .find((kid) => kid !== keys.current().kid) ?? '';
    await expect.poll(() => keys.find(fresh)).not.toBeNull();
  });

  it('are looked for once a second at the most, whatever tokens name', async () => {
    const keys = await open();
    const statements = await app.countStatements(async () => {
      for (let n = 0; n < 50; n += 1) expect(await keys.find(`unknown ${n}`)).toBeNull();
    });
    expect(statements.length).toBeLessThan(5);
  });

  it('stay the same when the master key is replaced', async () => {
    const before = (await open()).current().kid;
    await rotateMasterKey(app.services);
    await encryptAgain([SIGNING_KEY_ROWS, DERIVATION_SECRET_ROWS]).run(app.services, {});
    const [row] = await app.database.query<{ key: string }>('SELECT private_key AS key FROM signing_key');
    expect(row?.key.startsWith(await app.services.masterKey.prefix())).toBe(true);
    expect((await open()).current().kid).toBe(before);
  });

  it('that were given are not replaced by the command', async () => {
    const options = optionsAt();
    const config = { ...options.config, jwt: { ...options.config.jwt, privateKey: newPem() } };
    await expect(rotateSigningKey({ ...options, config })).rejects.toThrow('JWT_PRIVATE_KEY is set');
  });

  it('may be given as several, of which the first signs', async () => {
    const options = optionsAt();
    const privateKey = `${newPem()}${newPem()}`;
    const keys = await openSigningKeys({ ...options, config: { ...options.config, jwt: { ...options.config.jwt, privateKey } } });
    await keys.stop();
    expect(keys.all()).toHaveLength(2);
    expect(keys.current()).toBe(keys.all()[0]);
  });

  it('that cannot be read are no key', async () => {
    const options = optionsAt();
    const opened = openSigningKeys({ ...options, config: { ...options.config, jwt: { ...options.config.jwt, privateKey: 'none' } } });
    await expect(opened).rejects.toThrow(ConfigError);
  });
});
