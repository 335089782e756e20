import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogOut, RefreshSession } from '../kit/acts.js';
import { PASSWORD, startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { LogIn } from '../kit/factories.js';
import { textOf } from '../kit/graphql.js';

const IN_COOKIE = { 'x-lyceum-session': 'cookie' };
const ALLOWED = 'https://app.example.com';
const NAME = '__Host-lyceum-refresh-4000';
const RefreshByCookie = 'mutation { refreshSession(input: {}) { credentials { accessToken refreshToken } user { username } } }';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ env: { CORS_ORIGINS: ALLOWED, PUBLIC_URL: 'http://localhost:4000' } });
});
afterAll(() => app.stop());

let people = 0;
const somebody = (): Promise<TestUser> => app.user(`crumb${(people += 1)}`);

interface Answer {
  readonly body: {
    readonly data?: Record<string, unknown> | null;
    readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
  };
  /** The whole header. */
  readonly setCookie: string | null;
  /** What a browser would send from now on. */
  readonly cookie: string;
}
const post = async (query: string, headers: Record<string, string>, variables: object = {}): Promise<Answer> => {
  const response = await fetch(app.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const setCookie = response.headers.get('set-cookie');
  return { body: (await response.json()) as Answer['body'], setCookie, cookie: setCookie?.split(';', 1)[0] ?? '' };
};
const logIn = ({ username }: TestUser, headers: Record<string, string> = IN_COOKIE): Promise<Answer> =>
  post(textOf(LogIn), headers, { identifier: username, password: PASSWORD });
const credentialsOf = ({ body }: Answer, field: string) =>
  (body.data?.[field] as { credentials: { accessToken: string; refreshToken: string | null } } | undefined)?.credentials;
const codeOf = ({ body }: Answer): string | undefined => body.errors?.[0]?.extensions.code;

describe('the cookie of a session', () => {
  it('holds the refresh token, which is then nowhere else', async () => {
    const answer = await logIn(await somebody());
    expect(answer.setCookie).toMatch(new RegExp(`^${NAME}=[\\w-]{86}; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Strict$`));
    expect(credentialsOf(answer, 'login')?.refreshToken).toBeNull();
  });

  it('is set where the client asks for it by a header, and nowhere else', async () => {
    const answer = await logIn(await somebody(), {});
    expect([answer.setCookie, typeof credentialsOf(answer, 'login')?.refreshToken]).toEqual([null, 'string']);
    const socket = app.connect();
    const { data } = await socket.execute(LogIn, { identifier: `crumb${people}`, password: PASSWORD });
    expect(typeof data?.login?.credentials.refreshToken).toBe('string');
  });

  it('is exchanged as a token is: each is good once, and one that comes back later ends the session', async () => {
    const user = await somebody();
    const first = await logIn(user);
    const second = await post(RefreshByCookie, { ...IN_COOKIE, cookie: `other=1; ${first.cookie}` });
    expect(second.body.data?.['refreshSession']).toMatchObject({ credentials: { refreshToken: null }, user: { username: user.username } });
    expect(second.cookie).not.toBe(first.cookie);
    const again = await post(RefreshByCookie, { ...IN_COOKIE, cookie: first.cookie });
    expect(again.cookie).toBe(second.cookie);
    await app.database.query(`UPDATE session SET rotated_at = rotated_at - interval '1 minute'`);
    expect(codeOf(await post(RefreshByCookie, { ...IN_COOKIE, cookie: first.cookie }))).toBe('UNAUTHENTICATED');
    expect(codeOf(await post(RefreshByCookie, { ...IN_COOKIE, cookie: second.cookie }))).toBe('UNAUTHENTICATED');
  });

  it('takes the place of a token that a browser has kept until now', async () => {
    const { refreshToken } = await somebody();
    const answer = await post(textOf(RefreshSession), IN_COOKIE, { refreshToken });
    expect([credentialsOf(answer, 'refreshSession')?.refreshToken, answer.cookie.startsWith(NAME)]).toEqual([null, true]);
  });

  it('says that the session is over when it is gone', async () => {
    expect(codeOf(await post(RefreshByCookie, IN_COOKIE))).toBe('UNAUTHENTICATED');
    expect(codeOf(await post(RefreshByCookie, {}))).toBe('BAD_USER_INPUT');
  });

  it('ends with its session at sign-out, also with an access token that is no longer good', async () => {
    const user = await somebody();
    for (const authorization of [null, 'Bearer nonsense']) {
      const { cookie } = await logIn(user);
      const headers = { ...IN_COOKIE, cookie, ...(authorization === null ? {} : { authorization }) };
      const out = await post(textOf(LogOut), headers);
      expect(out.body.data).toEqual({ logout: { ok: true } });
      expect(out.setCookie).toMatch(/^__Host-lyceum-refresh-4000=; .*Max-Age=0/);
      expect(codeOf(await post(RefreshByCookie, { ...IN_COOKIE, cookie }))).toBe('UNAUTHENTICATED');
    }
    expect(codeOf(await post(textOf(LogOut), IN_COOKIE))).toBe('UNAUTHENTICATED');
  });
});

describe('a page of another origin', () => {
  const FOREIGN: Readonly<Record<string, Record<string, string>>> = {
    'with its name': { origin: 'https://evil.example' },
    'without a name': { origin: 'null' },
    'of the same site': { origin: 'https://evil.example.com', 'sec-fetch-site': 'same-site' },
    'that names none, but whose browser does': { 'sec-fetch-site': 'cross-site' },
  };
  it.each(Object.entries(FOREIGN))('%s is refused wherever the cookie would count, and nothing changes', async (_what, headers) => {
    const user = await somebody();
    const { cookie } = await logIn(user);
    for (const query of [RefreshByCookie, textOf(LogOut)]) {
      const answer = await post(query, { ...IN_COOKIE, cookie, ...headers });
      expect([codeOf(answer), answer.setCookie]).toEqual(['FORBIDDEN', null]);
    }
    // Nor can it have somebody signed in as another.
    expect((await logIn(user, { ...IN_COOKIE, ...headers })).setCookie).toBeNull();
    expect(codeOf(await post(RefreshByCookie, { ...IN_COOKIE, cookie }))).toBeUndefined();
  });

  it('cannot use the cookie without the header, which no form can send', async () => {
    const { cookie } = await logIn(await somebody());
    const headers = { cookie, origin: 'https://evil.example' };
    expect(codeOf(await post(RefreshByCookie, headers))).toBe('BAD_USER_INPUT');
    expect(codeOf(await post(textOf(LogOut), headers))).toBe('UNAUTHENTICATED');
    expect(codeOf(await post('{ me { id } }', headers))).toBeUndefined();
    expect((await post('{ me { id } }', headers)).body.data).toEqual({ me: null });
  });

  it('is none of the server, of PUBLIC_URL and of CORS_ORIGINS', async () => {
    const { origin } = new URL(app.url);
    const ours = [
      { origin },
      { origin: ALLOWED },
      { origin: 'http://localhost:4000' },
      { origin: 'https://lyceum.example', 'sec-fetch-site': 'same-origin' },
    ];
    for (const headers of ours) {
      const { cookie } = await logIn(await somebody());
      expect(codeOf(await post(RefreshByCookie, { ...IN_COOKIE, cookie, ...headers })), JSON.stringify(headers)).toBeUndefined();
    }
  });
});

it('whoever plants a cookie has nothing of the session that begins with it there', async () => {
  const [attacker, victim] = [await somebody(), await somebody()];
  const planted = (await logIn(attacker)).cookie;
  const { cookie } = await logIn(victim, { ...IN_COOKIE, cookie: planted });
  expect(cookie).not.toBe(planted);
  const byPlanted = await post(RefreshByCookie, { ...IN_COOKIE, cookie: planted });
  expect(byPlanted.body.data?.['refreshSession']).toMatchObject({ user: { username: attacker.username } });
  const byOwn = await post(RefreshByCookie, { ...IN_COOKIE, cookie });
  expect(byOwn.body.data?.['refreshSession']).toMatchObject({ user: { username: victim.username } });
});
