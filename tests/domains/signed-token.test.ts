import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { createSignedTokenReader } from '../../src/domains/account/signed-token.js';

const NOW = Math.floor(Date.now() / 1_000);
const CLAIMS = { sub: 'somebody', iss: 'lyceum', aud: 'lyceum', exp: NOW + 60 };
const CHANGED_CLAIMS: Readonly<Record<string, object>> = {
  'nothing changed': {},
  'several audiences': { aud: ['other', 'lyceum'] },
  'other audiences': { aud: ['other'] },
  'no audience': { aud: undefined },
  'another issuer': { iss: 'other' },
  'no issuer': { iss: undefined },
  'no end': { exp: undefined },
  'an end that is a text': { exp: String(NOW + 60) },
  'a beginning': { nbf: NOW },
  'a beginning that is a text': { nbf: String(NOW) },
};
const CHANGED_HEADERS: Readonly<Record<string, object>> = {
  'no type': { typ: undefined },
  'another type': { typ: 'at+jwt' },
  'no algorithm': { alg: undefined },
  'the algorithm none': { alg: 'none' },
  'an algorithm with a shared secret': { alg: 'HS256' },
  'an extension that must be understood': { crit: ['x'], x: 1 },
};
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const KEYS: Readonly<Record<'EdDSA' | 'ES256', { readonly privateKey: KeyObject; readonly publicKey: KeyObject }>> = {
  EdDSA: generateKeyPairSync('ed25519'),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
};

describe.each(['EdDSA', 'ES256'] as const)('a token signed with %s', (alg) => {
  const { privateKey, publicKey } = KEYS[alg];
  const read = createSignedTokenReader({
    keyOf: (kid) => (kid === 'ours' ? { publicKey, alg } : null),
    issuer: 'lyceum',
    audience: 'lyceum',
  });
  const tokenOf = (header: string, body: string): string => {
    const signature =
      alg === 'EdDSA'
        ? sign(null, Buffer.from(`${header}.${body}`), privateKey)
        : sign('sha256', Buffer.from(`${header}.${body}`), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${header}.${body}.${signature.toString('base64url')}`;
  };
  const header = base64({ alg, typ: 'JWT', kid: 'ours' });
  const [goodHeader = '', goodBody = '', goodSignature = ''] = tokenOf(header, base64(CLAIMS)).split('.');
  const tokens: Readonly<Record<string, string>> = {
    ...Object.fromEntries(
      Object.entries(CHANGED_CLAIMS).map(([what, change]) => [what, tokenOf(header, base64({ ...CLAIMS, ...change }))]),
    ),
    ...Object.fromEntries(
      Object.entries(CHANGED_HEADERS).map(([what, change]) => [
        what,
        tokenOf(base64({ alg, typ: 'JWT', kid: 'ours', ...change }), base64(CLAIMS)),
      ]),
    ),
    'claims that are a list': tokenOf(header, base64([CLAIMS])),
    'claims that are no JSON': tokenOf(header, Buffer.from('{').toString('base64url')),
    'other claims': [goodHeader, base64({ ...CLAIMS, sub: 'somebody else' }), goodSignature].join('.'),
    'a signature that was cut': [goodHeader, goodBody, goodSignature.slice(0, -4)].join('.'),
    'no signature': [goodHeader, goodBody, ''].join('.'),
    'a fourth part': [goodHeader, goodBody, goodSignature, 'x'].join('.'),
    'a character that is none of base64url': `${goodHeader}.${goodBody}.${goodSignature}*`,
    nothing: '',
  };

  it.each(Object.entries(tokens))('is good or not as jose says: %s', async (_what, token) => {
    const options = { algorithms: [alg], typ: 'JWT', issuer: 'lyceum', audience: 'lyceum', requiredClaims: ['exp'] };
    const isGood = await jwtVerify(token, publicKey, options).then(
      () => true,
      () => false,
    );
    expect((await read(token)) !== null).toBe(isGood);
  });

  it('is refused under the key of another algorithm', async () => {
    const other = alg === 'EdDSA' ? 'ES256' : 'EdDSA';
    const others = createSignedTokenReader({
      keyOf: () => ({ publicKey: KEYS[other].publicKey, alg: other }),
      issuer: 'lyceum',
      audience: 'lyceum',
    });
    expect(await others([goodHeader, goodBody, goodSignature].join('.'))).toBeNull();
  });

  it('is refused where it names no key, or one that is not there', async () => {
    for (const kid of [undefined, 'other', 7, 'o'.repeat(200)])
      expect(await read(tokenOf(base64({ alg, typ: 'JWT', kid }), base64(CLAIMS)))).toBeNull();
  });

  it('gives its claims', async () => {
    expect(await read([goodHeader, goodBody, goodSignature].join('.'))).toEqual(CLAIMS);
  });
});
