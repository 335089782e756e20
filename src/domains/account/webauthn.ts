import { randomBytes } from 'node:crypto';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
} from '@simplewebauthn/server';
import { decodeAttestationObject, isoBase64URL } from '@simplewebauthn/server/helpers';
import { z } from 'zod';
import type { Config } from '../../config.js';
import type { User } from '../../db/generated/prisma/client.js';

/*
 * What browsers and authenticators are asked, and whether what they answer is right (WebAuthn, https://www.w3.org/TR/webauthn-3/). Every passkey can be
 * found by the browser without a name (resident key) and asks who uses it for a finger, a face or a PIN (user verification): it is two factors in one.
 */

type Bytes = Uint8Array<ArrayBuffer>;
type Settings = { readonly config: Pick<Config, 'publicUrl' | 'corsOrigins' | 'passkeyDomain'> };

/** The name under which authenticators list what they keep for this server. */
const RELYING_PARTY = 'Lyceum';
/** For how long a browser waits for somebody, in milliseconds: shorter than the token of the challenge is good. */
const TIMEOUT_MS = 5 * 60 * 1_000;
const CHALLENGE_BYTES = 32;

/** What is signed, once. @returns in base64url */
export const newChallenge = (): string => randomBytes(CHALLENGE_BYTES).toString('base64url');

/** What is stored of a passkey for looking at what it signs. */
export interface StoredPasskey {
  readonly credentialId: Bytes;
  readonly publicKey: Bytes;
  readonly counter: bigint;
}

interface Owned {
  readonly credentialId: Bytes;
  readonly transports: readonly string[];
}

const bytesOfUserId = (userId: string): Bytes => new Uint8Array(Buffer.from(userId.replaceAll('-', ''), 'hex'));
const inBase64Url = (bytes: Bytes): string => Buffer.from(bytes).toString('base64url');

/** What `PublicKeyCredential.parseCreationOptionsFromJSON` takes. @param present passkeys of the user, which an authenticator does not make again */
export const registrationOptions = async (
  { config }: Settings,
  user: Pick<User, 'id' | 'username' | 'displayName'>,
  challenge: string,
  present: readonly Owned[],
): Promise<string> =>
  JSON.stringify(
    await generateRegistrationOptions({
      rpName: RELYING_PARTY,
      rpID: config.passkeyDomain,
      userID: bytesOfUserId(user.id),
      userName: user.username,
      userDisplayName: user.displayName,
      challenge: isoBase64URL.toBuffer(challenge),
      timeout: TIMEOUT_MS,
      attestationType: 'none',
      excludeCredentials: present.map(({ credentialId, transports }) => ({ id: inBase64Url(credentialId), transports: [...transports] })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    }),
  );

/** What `PublicKeyCredential.parseRequestOptionsFromJSON` takes: any passkey of this server will do. */
export const authenticationOptions = async ({ config }: Settings, challenge: string): Promise<string> =>
  JSON.stringify(
    await generateAuthenticationOptions({
      rpID: config.passkeyDomain,
      challenge: isoBase64URL.toBuffer(challenge),
      timeout: TIMEOUT_MS,
      userVerification: 'required',
    }),
  );

// ---------------------------------------------------------------- what comes back

/** The most characters of a credential in JSON. */
export const MAX_CREDENTIAL = 16_384;

const base64Url = z.string().regex(/^[A-Za-z0-9_-]+$/);
/** https://www.w3.org/TR/webauthn-3/#credential-id: 1,023 bytes at the most. */
const credentialId = base64Url.max(1_364);
const credential = { id: credentialId, rawId: credentialId, type: z.literal('public-key'), clientExtensionResults: z.looseObject({}) };
const registration = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: base64Url,
    attestationObject: base64Url,
    transports: z.array(z.string().max(20)).max(10).default([]),
  }),
});
const authentication = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: base64Url,
    authenticatorData: base64Url,
    signature: base64Url,
    userHandle: base64Url.nullish(),
  }),
});

const parsed = <Read>(schema: z.ZodType<Read>, json: string): Read | null => {
  try {
    return schema.parse(JSON.parse(json));
  } catch {
    return null;
  }
};

/** A credential that an authenticator has made, as a browser tells of it; null for what is none. */
export const readRegistration = (json: string): z.output<typeof registration> | null => parsed(registration, json);
/** A challenge that a passkey has signed, as a browser tells of it; null for what is none. */
export const readAuthentication = (json: string): z.output<typeof authentication> | null => parsed(authentication, json);

export const credentialIdOf = ({ id }: { readonly id: string }): Bytes => new Uint8Array(Buffer.from(id, 'base64url'));

const isWithin = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`);

/** From where a browser says that it was asked, if pages from there may ask for passkeys of this server. */
const expectedOrigin = ({ publicUrl, corsOrigins, passkeyDomain }: Settings['config'], clientDataJSON: string): string | null => {
  const { origin } = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString()) as { readonly origin?: unknown };
  if (typeof origin !== 'string' || !URL.canParse(origin)) return null;
  if (origin === publicUrl || corsOrigins.includes(origin)) return origin;
  return corsOrigins.includes('*') && isWithin(new URL(origin).hostname, passkeyDomain) ? origin : null;
};

/**
 * Whether an authenticator shows by certificates of its maker what it is. None is asked to, and to check them would mean to fetch lists of revoked ones
 * from addresses that stand in them, which whoever sends them chooses.
 */
const hasCertificates = (attestationObject: string): boolean =>
  decodeAttestationObject(isoBase64URL.toBuffer(attestationObject)).get('attStmt').get('x5c') !== undefined;

/** The library throws for whatever is wrong, and its messages hold challenges. */
const orNull = async <Result>(check: () => Promise<Result | null>): Promise<Result | null> => {
  try {
    return await check();
  } catch {
    return null;
  }
};

export interface NewPasskey extends StoredPasskey {
  readonly transports: readonly string[];
  /** Whether it is kept in more places than the one device. */
  readonly isBackedUp: boolean;
}

/** What there is to store of a new passkey; null when it is not one for this challenge and this server. */
export const verifyRegistration = async (
  { config }: Settings,
  response: NonNullable<ReturnType<typeof readRegistration>>,
  challenge: string,
): Promise<NewPasskey | null> =>
  await orNull(async () => {
    const { clientDataJSON, attestationObject, transports } = response.response;
    const origin = expectedOrigin(config, clientDataJSON);
    if (origin === null || hasCertificates(attestationObject)) return null;
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: response,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: config.passkeyDomain,
      requireUserVerification: true,
    });
    if (!verified) return null;
    const { credential: made, credentialBackedUp } = registrationInfo;
    return {
      credentialId: credentialIdOf(made),
      publicKey: new Uint8Array(made.publicKey),
      counter: BigInt(made.counter),
      transports,
      isBackedUp: credentialBackedUp,
    };
  });

export interface UsedPasskey {
  readonly counter: bigint;
  readonly isBackedUp: boolean;
}

/** What has changed of a passkey by its use; null when it has not signed this challenge for this server. @param userId whose it is */
export const verifyAuthentication = async (
  { config }: Settings,
  response: NonNullable<ReturnType<typeof readAuthentication>>,
  challenge: string,
  passkey: StoredPasskey,
  userId: string,
): Promise<UsedPasskey | null> =>
  await orNull(async () => {
    const { clientDataJSON, userHandle } = response.response;
    const origin = expectedOrigin(config, clientDataJSON);
    if (origin === null || (userHandle && userHandle !== inBase64Url(bytesOfUserId(userId)))) return null;
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as unknown as AuthenticationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: config.passkeyDomain,
      credential: { id: inBase64Url(passkey.credentialId), publicKey: passkey.publicKey, counter: Number(passkey.counter) },
      requireUserVerification: true,
    });
    return verified ? { counter: BigInt(authenticationInfo.newCounter), isBackedUp: authenticationInfo.credentialBackedUp } : null;
  });
