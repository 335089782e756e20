import { SignJWT, importPKCS8 } from 'jose';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';

/** Two operations at once, whoever asks; thirty seconds' worth of them come back in a thirtieth of that time each. */
const RATES = { RATE_LIMIT_FACTOR: '1', MAX_OPERATIONS_PER_ADDRESS: '1', MAX_OPERATIONS_PER_VIEWER: '1', TRUST_PROXY: 'true' };
const AT_ONCE = 30;
const { privateKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

let app: TestApp;
let statements: string[] = [];
beforeAll(async () => {
  app = await startTestApp({
    env: { ...RATES, JWT_PRIVATE_KEY: privateKey },
    onStatement: (sql) => statements.push(sql),
  });
});
afterAll(() => app.stop());
