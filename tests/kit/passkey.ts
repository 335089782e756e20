import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/*
 * An authenticator in software (WebAuthn): what a browser and a security key do together, for tests of the server alone. Each of its answers may be made wrong in
 * one way.
 */

type Cbor = number | string | Uint8Array | Map<number | string, Cbor> | readonly Cbor[];

const head = (type: number, length: number): Buffer => {
  if (length < 24) return Buffer.from([(type << 5) | length]);
  if (length < 256) return Buffer.from([(type << 5) | 24, length]);
  return Buffer.from([(type << 5) | 25, length >> 8, length & 255]);
};

/** CBOR (RFC 8949), as far as WebAuthn needs it. */
const cbor = (value: Cbor): Buffer => {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (value instanceof Map) return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, of]) => [cbor(key), cbor(of)])]);
  return Buffer.concat([head(4, value.length), ...value.map((item) => cbor(item))]);
};

const sha256 = (bytes: string | Buffer): Buffer => createHash('sha256').update(bytes).digest();
const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

const PRESENT = 0x01;
const VERIFIED = 0x04;
const WITH_KEY = 0x40;

/** What an answer has that is not as it should be. */
export interface Wrong {
  readonly origin?: string;
  readonly challenge?: string;
  readonly domain?: string;
  /** Nobody was asked for a finger or a PIN. */
  readonly isUnverified?: boolean;
  readonly userHandle?: string;
  readonly counter?: number;
  /** Certificates that say who has made the authenticator. */
  readonly certificates?: readonly Uint8Array[];
}

export interface SoftwarePasskey {
  readonly id: string;
  /** What `addPasskey` takes. */
  readonly credential: string;
  /** What `loginWithPasskey` takes. @param options of `startPasskeyLogin` */
  readonly sign: (options: string, wrong?: Wrong) => string;
}

interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id: string };
  readonly user: { readonly id: string };
}
interface RequestOptions {
  readonly challenge: string;
  readonly rpId: string;
}

const ORIGIN = 'http://localhost:4000';

const coseOf = (publicKey: KeyObject): Buffer => {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  // A key of two coordinates (2) for ES256 (-7) on P-256 (1), see RFC 9053.
  return cbor(
    new Map<number, Cbor>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x, 'base64url')],
      [-3, Buffer.from(y, 'base64url')],
    ]),
  );
};

const dataOf = (domain: string, flags: number, counter: number): Buffer => {
  const fixed = Buffer.alloc(5);
  fixed.writeUInt8(flags, 0);
  fixed.writeUInt32BE(counter, 1);
  return Buffer.concat([sha256(domain), fixed]);
};

const clientData = (type: string, challenge: string, { origin = ORIGIN, ...wrong }: Wrong): Buffer =>
  Buffer.from(JSON.stringify({ type, challenge: wrong.challenge ?? challenge, origin, crossOrigin: false }));

/** Makes a passkey. @param options of `startPasskey` */
export const makePasskey = (options: string, wrong: Wrong = {}): SoftwarePasskey => {
  const { challenge, rp, user } = JSON.parse(options) as CreationOptions;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rawId = randomBytes(32);
  const id = base64Url(rawId);
  const verified = ({ isUnverified = false }: Wrong): number => (isUnverified ? 0 : VERIFIED);
  const idLength = Buffer.from([0, rawId.length]);
  const data = Buffer.concat([
    dataOf(wrong.domain ?? rp.id, PRESENT | verified(wrong) | WITH_KEY, 0),
    ...[Buffer.alloc(16), idLength, rawId, coseOf(publicKey)],
  ]);
  const { certificates } = wrong;
  const statement = certificates
    ? new Map<string, Cbor>([
        ['alg', -7],
        ['sig', sign('sha256', data, privateKey)],
        ['x5c', [...certificates]],
      ])
    : new Map<string, Cbor>();
  const attestation = cbor(
    new Map<string, Cbor>([
      ['fmt', certificates ? 'packed' : 'none'],
      ['attStmt', statement],
      ['authData', data],
    ]),
  );
  const wrap = (response: object): string => JSON.stringify({ id, rawId: id, type: 'public-key', clientExtensionResults: {}, response });
  let uses = 0;
  return {
    id,
    credential: wrap({
      clientDataJSON: base64Url(clientData('webauthn.create', challenge, wrong)),
      attestationObject: base64Url(attestation),
      transports: ['internal'],
    }),
    sign: (asked, bad = {}) => {
      const { challenge: of, rpId } = JSON.parse(asked) as RequestOptions;
      const authenticatorData = dataOf(bad.domain ?? rpId, PRESENT | verified(bad), bad.counter ?? (uses += 1));
      const said = clientData('webauthn.get', of, bad);
      const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(said)]), privateKey);
      return wrap({
        clientDataJSON: base64Url(said),
        authenticatorData: base64Url(authenticatorData),
        signature: base64Url(signature),
        userHandle: bad.userHandle ?? user.id,
      });
    },
  };
};
