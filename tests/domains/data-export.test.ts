import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PERSONAL_TABLES } from '../../src/domains/privacy/personal-tables.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aBlock, aComment, aDirect, aFollow, aGroup, aMessage, anEntry, aPost } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';
import { filesIn } from '../kit/zip.js';

let app: TestApp;
let ada: TestUser;
let bob: TestUser;
let now = Date.now();

beforeAll(async () => {
  app = await startTestApp({ env: { EXPORT_KEPT: '2d' }, clock: { now: () => now } });
  ada = await app.user('ada');
  bob = await app.user('bob');
});
afterAll(() => app.stop());

const Export = graphql(`mutation ExportMyData($input: ExportMyDataInput!) { exportMyData(input: $input) { operation { id kind state } } }`);
const Followed = graphql(
  `subscription ExportFollowed($id: ID!) { operationChanged(id: $id) { state done total version endedAt detail file { name mediaType size url urlExpiresAt } } }`,
);
const Seen = graphql(`query ExportSeen($id: ID!) { operation(id: $id) { state file { url } } node(id: $id) { id } }`);
const Latest = graphql(`query ExportLatest { me { dataExport { state file { size url } } } }`);

const React = graphql(`mutation ExportReact($id: ID!) { addReaction(input: { messageId: $id, emoji: "👍" }) { message { id } } }`);

const begin = async (user: TestUser) => (await app.data(Export, { input: {} }, user)).exportMyData.operation.id;
/** An export of a user: its last state, and all before it. */
const exported = async (user: TestUser) => {
  const id = await begin(user);
  const states = [];
  const changes = app.connect(user).subscribe(Followed, { id });
  for (;;) {
    const { operationChanged: state } = await changes.data();
    states.push(state);
    if (state.endedAt !== null) return { id, states, last: state, file: present(state.file) };
  }
};
const fetchFile = (path: string, init?: RequestInit) => fetch(new URL(path, app.url), init);
const filesOf = async (user: TestUser) => filesIn(Buffer.from(await (await fetchFile((await exported(user)).file.url)).arrayBuffer()));
const rowsIn = (files: ReadonlyMap<string, string>, name: string) =>
  JSON.parse(files.get(`${name}.json`) ?? '[]') as Record<string, unknown>[];

/** Everything that somebody can leave behind. */
const busy = async (): Promise<TestUser> => {
  const user = await app.user('busy');
  const post = await aPost(app, user, { body: 'A post of *mine*.' });
  await aComment(app, user, (await aPost(app, bob)).id, { body: 'A comment of mine.' });
  await aComment(app, bob, post.id);
  await anEntry(app, user, { title: 'My entry', content: 'Its text.', isPublic: false });
  const group = await aGroup(app, user, [bob], 'Our group');
  const message = await aMessage(app, user, group.id, { body: 'A message of mine.' });
  await app.data(React, { id: message.id }, user);
  await aDirect(app, user, bob);
  await aFollow(app, user, bob);
  await aFollow(app, ada, user);
  await aBlock(app, user, await app.user('blocked_one'));
  return user;
};

describe('an export of what is stored about oneself', () => {
  it('has all that one has written and done, as JSON and as Markdown', async () => {
    const user = await busy();
    const files = await filesOf(user);
    expect(rowsIn(files, 'profile')).toMatchObject([{ username: 'busy', pendingEmail: 'busy@example.com' }]);
    expect(files.get('profile.json')).not.toContain('argon2');
    expect(rowsIn(files, 'entries')).toMatchObject([{ title: 'My entry', text: 'Its text.', isPublic: false }]);
    expect(files.get('posts.md')).toContain('A post of *mine*.');
    expect(files.get('messages.md')).toContain('Our group');
    const counts = ['posts', 'comments', 'messages', 'reactions', 'memberships', 'blocked', 'notifications', 'sessions'];
    expect(Object.fromEntries(counts.map((name) => [name, rowsIn(files, name).length]))).toEqual({
      ...{ posts: 1, comments: 1, messages: 1, reactions: 1, memberships: 2, blocked: 1, notifications: 2, sessions: 1 },
    });
    expect(rowsIn(files, 'follows')).toHaveLength(2);
    expect(rowsIn(files, 'audit')).toContainEqual(expect.objectContaining({ action: 'register', ip: expect.any(String) as string }));
    expect(files.get('README.md')).toContain('Posts that you have written');
  });

  it('has nothing of others', async () => {
    await aPost(app, bob, { body: 'A secret of bob.' });
    const text = [...(await filesOf(ada)).values()].join('\n');
    expect(text).not.toContain('A secret of bob.');
    expect(text).not.toContain('bob@example.com');
  });

  it('is read a page at a time, and whole', async () => {
    const user = await app.user('prolific');
    await app.database.query(
      `INSERT INTO post (id, body, author_id, created_at)
       SELECT gen_random_uuid(), 'Post ' || n, id, now() - (n / 3) * interval '1 second' FROM "user", generate_series(1, 1001) n WHERE username = 'prolific'`,
    );
    const texts = rowsIn(await filesOf(user), 'posts').map(({ text }) => String(text));
    expect(new Set(texts).size).toBe(1_001);
  });

  it('tells how far it is, and what it has made', async () => {
    const { states, last, file } = await exported(bob);
    expect(last).toMatchObject({ state: 'SUCCEEDED', done: last.total, detail: null });
    expect(states.every(({ version }, index) => index === 0 || version > (states[index - 1]?.version ?? 0))).toBe(true);
    const { me } = await app.data(Latest, {}, bob);
    expect(me.dataExport).toMatchObject({ state: 'SUCCEEDED', file: { size: file.size } });
  });

  it('is made one at a time, and the same call begins no second one', async () => {
    const user = await app.user('twice');
    const input = { clientId: 'once' };
    const answers = await Promise.all([0, 1].map(() => app.data(Export, { input }, user)));
    expect(new Set(answers.map(({ exportMyData }) => exportMyData.operation.id)).size).toBe(1);
    await app.database.query(
      `UPDATE operation SET ended_at = NULL, open_key = user_id || ':exportMyData:', state = 'RUNNING' WHERE kind = 'exportMyData'`,
    );
    expect(await app.code(Export, { input: {} }, user)).toBe('CONFLICT');
    await app.database.query(`UPDATE operation SET ended_at = now(), open_key = NULL, state = 'SUCCEEDED' WHERE ended_at IS NULL`);
  });

  it('is done by the next process where one has died meanwhile', async () => {
    const user = await app.user('interrupted');
    const { id } = await exported(user);
    const [row] = await app.database.query<{ id: string }>(
      `UPDATE operation SET ended_at = NULL, state = 'RUNNING', done = 3, file_id = NULL WHERE user_id = (SELECT id FROM "user" WHERE username = $1) RETURNING id`,
      ['interrupted'],
    );
    await app.database.query('SELECT graphile_worker.add_job($1, $2)', [
      'operations.exportMyData',
      JSON.stringify({ operationId: row?.id }),
    ]);
    await expect.poll(async () => (await app.data(Seen, { id }, user)).operation.state).toBe('SUCCEEDED');
    expect(present(present((await app.data(Latest, {}, user)).me.dataExport).file).size).toBeGreaterThan(1_000);
  });

  it('is nobody else’s', async () => {
    const id = await begin(ada);
    expect(await app.data(Seen, { id }, bob)).toEqual({ operation: null, node: null });
    expect((await app.connect(bob).subscribe(Followed, { id }).next()).errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND');
    expect(await app.code(Seen, { id })).toBe('UNAUTHENTICATED');
    await expect.poll(async () => (await app.data(Seen, { id }, ada)).operation.state).toBe('SUCCEEDED');
  });
});

describe('the link to a file', () => {
  it('needs no sign-in, and has the file kept and not shown', async () => {
    const { file } = await exported(await app.user('linked'));
    const response = await fetchFile(file.url);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-length': String(file.size),
      'content-disposition': expect.stringContaining(`attachment; filename="file"; filename*=UTF-8''lyceum-`) as string,
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-store',
    });
    expect((await response.arrayBuffer()).byteLength).toBe(file.size);
    expect((await fetchFile(file.url, { method: 'HEAD' })).headers.get('content-length')).toBe(String(file.size));
  });

  it('ends, and cannot be made longer or led elsewhere', async () => {
    const { file } = await exported(await app.user('ending'));
    const other = (await exported(bob)).file.url;
    const url = new URL(file.url, app.url);
    const changed = (name: string, value: string): string => {
      const made = new URL(url);
      made.searchParams.set(name, value);
      return `${made.pathname}${made.search}`;
    };
    const hostile = [
      changed('until', String(Number(url.searchParams.get('until')) + 1)),
      changed('until', '1e99'),
      changed('until', ''),
      changed('signature', '0'.repeat(64)),
      changed('signature', ''),
      `${url.pathname}${new URL(other, app.url).search}`,
      url.pathname,
      `/files/..%2f..%2fjwt-key.pem${url.search}`,
    ];
    for (const path of hostile) expect((await fetchFile(path)).status, path).toBe(404);
    expect((await fetchFile(file.url, { method: 'POST' })).status).toBe(404);
    const before = now;
    now += 60 * 60 * 1_000;
    expect((await fetchFile(file.url)).status).toBe(404);
    now = before;
  });

  it('leads to nothing once the file was removed', async () => {
    const user = await app.user('removed');
    const { file } = await exported(user);
    await app.database.query(
      `UPDATE stored_file SET expires_at = to_timestamp(0) WHERE owner_id = (SELECT id FROM "user" WHERE username = 'removed')`,
    );
    await app.runTask('files.removeEnded');
    expect((await fetchFile(file.url)).status).toBe(404);
    expect((await app.data(Latest, {}, user)).me.dataExport).toEqual({ state: 'SUCCEEDED', file: null });
  });
});

describe('what is known of people', () => {
  it('has every table that has to do with users, and none that is gone', async () => {
    // Whatever refers to a user, by a key or by a column that is called so, and the streams and jobs, which name them by their keys.
    const rows = await app.database.query<{ name: string }>(`
      SELECT DISTINCT table_name AS name FROM information_schema.columns
      WHERE table_schema = current_schema() AND (column_name ~ '(^|_)(user|author|actor|person|owner|creator|created_by|blocker|blocked|follower|followee)_id$' OR table_name = 'user')
      UNION
      SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confrelid = '"user"'::regclass`);
    const inDatabase = rows.map(({ name }) => name.replaceAll('"', '')).sort();
    const told = PERSONAL_TABLES.map(({ table }) => table);
    expect(inDatabase.filter((name) => !told.includes(name))).toEqual([]);
    expect(new Set(told).size).toBe(told.length);
    const all = await app.database.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()`,
    );
    expect(told.filter((name) => !all.some((table) => table.name === name))).toEqual([]);
  });

  it('is in the export, or it is said why not', () => {
    const names = PERSONAL_TABLES.flatMap(({ exported: rows }) => (typeof rows === 'string' ? [] : [rows.name]));
    expect(new Set(names).size).toBe(names.length);
    const left = PERSONAL_TABLES.flatMap(({ table, exported: rows }) => (typeof rows === 'string' ? [table] : []));
    expect(left.sort()).toEqual(['audit_key', 'login_guess', 'recovery_code']);
  });
});
