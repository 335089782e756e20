import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, startTestApp, type TestApp } from '../kit/app.js';
import { anApiKey } from '../kit/factories.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { graphql } from '../kit/graphql.js';

const Terms = graphql(`query TermsTerms { terms { version url viewerHasAccepted } }`);
const Mine = graphql(`query TermsMine { me { termsVersion termsAcceptedAt } }`);
const Accept = graphql(`mutation TermsAccept($version: String!) { acceptTerms(input: { version: $version }) { ok me { termsVersion } } }`);
const Register = graphql(
  `mutation TermsRegister($input: RegisterInput!) { register(input: $input) { user { id } credentials { accessToken } } }`,
);
const Post = graphql(`mutation TermsPost { createPost(input: { body: "Hello" }) { post { id } } }`);
const Out = graphql(`mutation TermsOut { logout { ok } }`);
const Everywhere = graphql(`mutation TermsEverywhere { revokeAllSessions(input: {}) { me { id } } }`);
const Export = graphql(`mutation TermsExport { exportMyData(input: {}) { operation { id } } }`);
const Delete = graphql(`mutation TermsDelete($password: String!) { deleteMyAccount(input: { password: $password }) { ok } }`);

const URL_OF_TERMS = 'https://example.com/terms';
const of = (version: string) => ({ TERMS_VERSION: version, TERMS_URL: URL_OF_TERMS });

let database: TestDatabase;
/** Before there were terms, and since. */
let before: TestApp;
let app: TestApp;

beforeAll(async () => {
  database = await createTestDatabase();
  before = await startTestApp({ database });
  app = await startTestApp({ database, env: { ...of('2027-01'), DATA_DIR: before.services.config.dataDir } });
});
afterAll(async () => {
  await app.stop();
  await before.stop();
  await database.drop();
});

/** What is wrong with a post by server-sent events. */
const bySse = async ({ token }: { readonly token: string }): Promise<unknown> => {
  const headers = { accept: 'text/event-stream', 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const body = JSON.stringify({ query: Post.toString() });
  const told = /^data: (.+)$/m.exec(await (await fetch(app.url, { method: 'POST', headers, body })).text())?.[1] ?? '{}';
  return (JSON.parse(told) as { readonly errors?: readonly { readonly extensions: unknown }[] }).errors?.[0]?.extensions;
};

const input = (username: string) => ({ username, email: `${username}@example.com`, password: PASSWORD });

describe('terms', () => {
  it('are read by everyone, and where there are none nothing is asked', async () => {
    const ada = await before.user('ada');
    expect(await app.data(Terms)).toEqual({ terms: { version: '2027-01', url: URL_OF_TERMS, viewerHasAccepted: false } });
    expect((await before.data(Terms)).terms).toBeNull();
    expect(await before.code(Accept, { version: '2027-01' }, ada)).toBe('NOT_FOUND');
    expect((await before.data(Post, {}, ada)).createPost.post.id).toBeTruthy();
    expect((await before.data(Mine, {}, ada)).me).toEqual({ termsVersion: null, termsAcceptedAt: null });
  });

  it('are accepted with a registration, in their present version', async () => {
    for (const [version, code] of [
      [undefined, 'REQUIRED'],
      ['2026-01', 'NOT_ALLOWED'],
    ] as const) {
      const { errors } = await app.execute(Register.toString(), {
        input: { ...input('bea'), ...(version === undefined ? {} : { termsVersion: version }) },
      });
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.termsVersion', code }] });
    }
    const { register } = await app.data(Register, { input: { ...input('bea'), termsVersion: '2027-01' } });
    const bea = { token: register.credentials.accessToken };
    expect((await app.data(Mine, {}, bea)).me).toEqual({ termsVersion: '2027-01', termsAcceptedAt: expect.any(String) as string });
    expect((await app.data(Post, {}, bea)).createPost.post.id).toBeTruthy();
  });

  it('that are not accepted let nobody change anything, by whatever transport, until they are', async () => {
    const cleo = await before.user('cleo');
    const key = await anApiKey(before, cleo, ['WRITE_POSTS']);
    const socket = app.connect(cleo);
    const refusals = async () => [
      (await app.execute(Post.toString(), {}, cleo)).errors?.[0]?.extensions,
      (await app.execute(Post.toString(), {}, key)).errors?.[0]?.extensions,
      (await socket.execute(Post, {})).errors?.[0]?.extensions,
      await bySse(cleo),
    ];
    for (const refusal of await refusals())
      expect(refusal).toMatchObject({ code: 'TERMS_NOT_ACCEPTED', version: '2027-01', url: URL_OF_TERMS });
    expect(await app.code(Accept, { version: '2026-01' }, cleo)).toBe('CONFLICT');
    expect(await app.code(Accept, { version: '2027-01' }, key)).toBe('FORBIDDEN');
    expect((await socket.execute(Accept, { version: '2027-01' })).errors).toBeUndefined();
    expect(await refusals()).toEqual([undefined, undefined, undefined, undefined]);
    const acts = () =>
      database.query(
        `SELECT detail FROM audit_event WHERE action = 'acceptTerms' AND subject_id = (SELECT id FROM "user" WHERE username = 'cleo')`,
      );
    await app.data(Accept, { version: '2027-01' }, cleo);
    expect(await acts()).toEqual([{ detail: '{"version":"2027-01"}' }]);
  });

  it('are asked for again when their version changes', async () => {
    const { register } = await app.data(Register, { input: { ...input('dora'), termsVersion: '2027-01' } });
    const dora = { token: register.credentials.accessToken };
    const later = await startTestApp({ database, env: { ...of('2028-01'), DATA_DIR: before.services.config.dataDir } });
    expect((await later.data(Terms, {}, dora)).terms.viewerHasAccepted).toBe(false);
    expect(await later.code(Post, {}, dora)).toBe('TERMS_NOT_ACCEPTED');
    await later.data(Accept, { version: '2028-01' }, dora);
    expect((await later.data(Post, {}, dora)).createPost.post.id).toBeTruthy();
    expect((await later.data(Terms, {}, dora)).terms.viewerHasAccepted).toBe(true);
    await later.stop();
  });

  it('keep nobody from leaving', async () => {
    const people = await Promise.all(['erin', 'fay', 'gus', 'hal'].map((name) => before.user(name)));
    const acts = [Out, Everywhere, Export, Delete].map(String);
    for (const [index, act] of acts.entries())
      expect((await app.execute(act, act === String(Delete) ? { password: PASSWORD } : {}, people[index])).errors).toBeUndefined();
  });

  it('need both their version and where they are read', async () => {
    await expect(startTestApp({ database, env: { TERMS_VERSION: '1' } })).rejects.toThrow('TERMS_VERSION');
  });
});
