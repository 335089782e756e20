import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, SignJWT, type JWTPayload } from 'jose';
import { Provider, type Configuration } from 'oidc-provider';

/** Somebody whom the provider knows, and what it says of them. */
export interface Person {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly preferred_username?: string;
  readonly name?: string;
}

/** A real provider of OpenID Connect on this machine. Whoever is sent to it is `person`, without being asked. */
export interface TestProvider {
  readonly issuer: string;
  person: Person;
  /** What its tokens say in the place of what it would: signed with its key all the same. */
  tamper: ((claims: JWTPayload) => JWTPayload) | null;
  /** The key that signs what is tampered with, in the place of its own. */
  forger: KeyObject | null;
  /** The paths that it was asked for. */
  readonly asked: string[];
  /** How clients have shown who they are when they exchanged a code: what stood in the header, null for nothing. */
  readonly authorizations: (string | null)[];
  /** A token with its signature. */
  readonly sign: (claims: JWTPayload, header?: { readonly kid?: string; readonly typ?: string }) => Promise<string>;
  readonly key: () => { readonly kid: string; readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  /** Has other keys from now on, and only these. */
  readonly rotate: () => void;
  /** Stops answering, until it is called again with `false`. */
  readonly beAway: (away: boolean) => Promise<void>;
  /** Goes where a browser would, with cookies of its own, until an address is elsewhere; the query of that. */
  readonly travel: (url: string) => Promise<URLSearchParams>;
  readonly stop: () => Promise<void>;
}

export const CLIENT = { clientId: 'lyceum', clientSecret: 'a secret of two servers' };
/** A client without a secret. */
export const PUBLIC_CLIENT = 'lyceum-public';
/** How a client shows its secret; a provider takes no other way than that of its client. */
type SecretIn = 'client_secret_basic' | 'client_secret_post';
const clientsOf = (secretIn: SecretIn) => [
  { client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret, token_endpoint_auth_method: secretIn },
  { client_id: PUBLIC_CLIENT, token_endpoint_auth_method: 'none' as const },
];

const newKey = (kid: string) => ({ kid, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) });

/** @param redirectUris where it may send people back to */
export const startProvider = async (redirectUris: string[], secretIn: SecretIn = 'client_secret_basic'): Promise<TestProvider> => {
  const people = new Map<string, Person>();
  let rotations = 0;
  let key = newKey('first');
  let provider: Provider;
  const server = createServer((request, response) => void answer(request, response));
  const listen = (port: number): Promise<number> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const port = await listen(0);
  const issuer = `http://127.0.0.1:${port}`;

  const make = (): void => {
    provider = new Provider(issuer, configurationOf(key, people, redirectUris, secretIn));
    provider.on('server_error', (_context, error) => console.error(error));
  };
  const kit: TestProvider = {
    issuer,
    person: { sub: 'nobody' },
    tamper: null,
    forger: null,
    asked: [],
    authorizations: [],
    key: () => key,
    sign: (claims, header = {}) => {
      const { kid = key.kid, typ = 'at+jwt' } = header;
      return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, typ }).sign(kit.forger ?? key.privateKey);
    },
    rotate: () => {
      key = newKey(`rotated-${(rotations += 1)}`);
      make();
    },
    beAway: async (away) => void (await (away ? close() : listen(port))),
    travel: async (url) => {
      const cookies = new Map<string, string>();
      for (let at = url; ;) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const response = await fetch(at, { redirect: 'manual', headers: { cookie } });
        for (const set of response.headers.getSetCookie()) {
          const [name = '', value = ''] = (set.split(';', 1)[0] ?? '').split(/=(.*)/s);
          cookies.set(name, value);
        }
        const to = response.headers.get('location');
        if (to === null) throw new Error(`The provider answers ${response.status}: ${await response.text()}`);
        at = new URL(to, at).href;
        if (!at.startsWith(issuer)) return new URL(at).searchParams;
      }
    },
    stop: close,
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    kit.asked.push(path);
    if (path === '/token') kit.authorizations.push(request.headers.authorization?.split(' ', 1)[0] ?? null);
    if (path.startsWith('/interaction/')) {
      people.set(kit.person.sub, kit.person);
      await provider.interactionFinished(request, response, { login: { accountId: kit.person.sub } });
      return;
    }
    if (path === '/token' && kit.tamper !== null) replaceIdToken(response, kit.tamper, (claims) => kit.sign(claims, { typ: 'JWT' }));
    await provider.callback()(request, response);
  };
  make();
  return kit;
};

const configurationOf = (
  key: ReturnType<typeof newKey>,
  people: ReadonlyMap<string, Person>,
  redirect_uris: string[],
  secretIn: SecretIn,
): Configuration => ({
  clients: clientsOf(secretIn).map((client) => ({ ...client, redirect_uris, id_token_signed_response_alg: 'ES256' as const })),
  clientAuthMethods: [secretIn, 'none'],
  jwks: { keys: [{ ...key.privateKey.export({ format: 'jwk' }), kid: key.kid, alg: 'ES256', use: 'sig' }] },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
  cookies: { keys: ['of a test'] },
  ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ accountId: oidc.session?.accountId ?? '', clientId: oidc.client?.clientId ?? '' });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
});

/** Has an answer of the token endpoint bear another ID token. */
const replaceIdToken = (
  response: ServerResponse,
  tamper: (claims: JWTPayload) => JWTPayload,
  sign: (claims: JWTPayload) => Promise<string>,
): void => {
  const end = response.end.bind(response);
  response.end = ((body: string) => {
    const answer = JSON.parse(body) as { id_token?: string };
    if (answer.id_token === undefined) return end(body);
    void sign(tamper(decodeJwt(answer.id_token))).then((id_token) => {
      const changed = JSON.stringify({ ...answer, id_token });
      response.setHeader('content-length', Buffer.byteLength(changed));
      end(changed);
    });
    return response;
  }) as typeof response.end;
};
