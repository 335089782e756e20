import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { EditEntry, editEntry } from '../kit/acts.js';
import { anEntry } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';

let app: TestApp;
let ada: TestUser;
let ben: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
});
afterAll(() => app.stop());

const History = graphql(`
  query RevisionHistory($id: ID!, $first: Int, $after: String) {
    entry(id: $id) {
      revisions(first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { id version title content tags isPublic createdAt editor { username } }
      }
    }
  }
`);
const Restore = graphql(
  `mutation RevisionRestore($input: RestoreEntryRevisionInput!) { restoreEntryRevision(input: $input) { entry { version title content tags } } }`,
);
const Difference = graphql(
  `query RevisionDifference($from: ID!, $to: ID!) { entryDifference(from: $from, to: $to) { from { version } to { version } parts { kind text } } }`,
);
const Revision = graphql(`query RevisionNode($id: ID!) { node(id: $id) { id ... on EntryRevision { version content } } }`);

const edit = (id: string, expectedVersion: number, changes: object) => editEntry(app, ada, { id, expectedVersion, ...changes });
const refusal = async (id: string, expectedVersion: number, changes: object) => {
  const { errors } = await app.execute(EditEntry, { input: { id, expectedVersion, ...changes } }, ada);
  return present(errors?.[0]).extensions ?? {};
};
const history = async (id: string, as: TestUser | undefined = ada) =>
  present((await app.data(History, { id, first: 50 }, as)).entry).revisions.nodes;

describe('the history of an entry', () => {
  it('has what it said in each version, with who made it, the latest first', async () => {
    const { id } = await anEntry(app, ada, { title: 'First', content: 'one', tags: ['a'] });
    await edit(id, 1, { content: 'two' });
    await edit(id, 2, { title: 'Third', tags: ['b'] });
    expect(await history(id)).toMatchObject([
      { version: 3, title: 'Third', content: 'two', tags: ['b'], isPublic: true, editor: { username: 'ada' } },
      { version: 2, title: 'First', content: 'two', tags: ['a'] },
      { version: 1, title: 'First', content: 'one', tags: ['a'] },
    ]);
  });

  it('has no further version where nothing was changed or the edit was refused', async () => {
    const { id } = await anEntry(app, ada, { content: 'one' });
    await edit(id, 1, { content: 'one' });
    expect(await refusal(id, 7, { content: 'two' })).toMatchObject({ code: 'CONFLICT' });
    expect((await history(id)).map(({ version }) => version)).toEqual([1]);
  });

  it('is read page by page', async () => {
    const { id } = await anEntry(app, ada);
    for (const version of [1, 2, 3, 4]) await edit(id, version, { content: `text ${version}` });
    const page = async (after: string | null) => present((await app.data(History, { id, first: 2, after }, ben)).entry).revisions;
    const first = await page(null);
    const second = await page(first.pageInfo.endCursor);
    const third = await page(second.pageInfo.endCursor);
    expect([first, second, third].map(({ nodes }) => nodes.map(({ version }) => version))).toEqual([[5, 4], [3, 2], [1]]);
    expect([first.totalCount, third.pageInfo.hasNextPage]).toEqual([5, false]);
  });

  it('does not show others what was written while the entry was private', async () => {
    const { id } = await anEntry(app, ada, { content: 'secret', isPublic: false });
    await edit(id, 1, { content: 'not secret' });
    await edit(id, 2, { isPublic: true });
    expect((await history(id)).map(({ version }) => version)).toEqual([3, 2, 1]);
    expect((await history(id, ben)).map(({ version }) => version)).toEqual([3]);
    expect(present((await app.data(History, { id }, ben)).entry).revisions.totalCount).toBe(1);
    const [shown, , hidden] = await history(id);
    expect((await app.data(Revision, { id: present(hidden).id }, ben)).node).toBeNull();
    expect((await app.data(Revision, { id: present(shown).id }, ben)).node).toMatchObject({ content: 'not secret' });
    expect(await app.code(Difference, { from: present(hidden).id, to: present(shown).id }, ben)).toBe('NOT_FOUND');
    expect(await app.code(Restore, { input: { revisionId: present(hidden).id, expectedVersion: 3 } }, ben)).toBe('NOT_FOUND');
  });

  it('goes with the entry, and is hidden with it', async () => {
    const { id } = await anEntry(app, ada, { content: 'one' });
    const [revision] = await history(id);
    await edit(id, 1, { isPublic: false });
    expect((await app.data(Revision, { id: present(revision).id }, ben)).node).toBeNull();
    await app.data(graphql(`mutation RevisionDelete($id: ID!) { deleteEntry(input: { id: $id }) { entryId } }`), { id }, ada);
    expect((await app.data(Revision, { id: present(revision).id }, ada)).node).toBeNull();
  });
});

describe('two revisions', () => {
  it('are compared line by line, in either direction', async () => {
    const { id } = await anEntry(app, ada, { content: 'a\nb\nc' });
    await edit(id, 1, { content: 'a\nB\nc' });
    const [later, earlier] = await history(id);
    const [from, to] = [present(earlier).id, present(later).id];
    expect((await app.data(Difference, { from, to }, ben)).entryDifference).toEqual({
      from: { version: 1 },
      to: { version: 2 },
      parts: [
        { kind: 'SAME', text: 'a' },
        { kind: 'REMOVED', text: 'b' },
        { kind: 'ADDED', text: 'B' },
        { kind: 'SAME', text: 'c' },
      ],
    });
    const back = present((await app.data(Difference, { from: to, to: from }, ben)).entryDifference);
    expect(back.parts.map(({ kind }) => kind)).toEqual(['SAME', 'REMOVED', 'ADDED', 'SAME']);
  });

  it('must be of one entry, and be there', async () => {
    const [one, other] = [await anEntry(app, ada), await anEntry(app, ada)];
    const [[from], [to]] = [await history(one.id), await history(other.id)];
    expect(await app.code(Difference, { from: present(from).id, to: present(to).id }, ada)).toBe('BAD_USER_INPUT');
    expect(await app.code(Difference, { from: one.id, to: present(to).id }, ada)).toBe('BAD_USER_INPUT');
  });
});

describe('restoring a revision', () => {
  it('makes a further version with its title, text and tags, and leaves the others', async () => {
    const { id } = await anEntry(app, ada, { title: 'Old', content: 'old', tags: ['x'] });
    await edit(id, 1, { title: 'New', content: 'new', tags: [] });
    const revisionId = present((await history(id))[1]).id;
    const { entry } = (await app.data(Restore, { input: { revisionId, expectedVersion: 2 } }, ada)).restoreEntryRevision;
    expect(entry).toEqual({ version: 3, title: 'Old', content: 'old', tags: ['x'] });
    expect((await history(id)).map(({ title }) => title)).toEqual(['Old', 'New', 'Old']);
  });

  it('is refused to others, and where the entry has changed meanwhile', async () => {
    const { id } = await anEntry(app, ada, { content: 'old' });
    await edit(id, 1, { content: 'new' });
    const revisionId = present((await history(id))[1]).id;
    expect(await app.code(Restore, { input: { revisionId, expectedVersion: 2 } }, ben)).toBe('FORBIDDEN');
    expect(await app.code(Restore, { input: { revisionId, expectedVersion: 1 } }, ada)).toBe('CONFLICT');
    expect((await history(id)).map(({ version }) => version)).toEqual([2, 1]);
  });
});

describe('an edit of an older version', () => {
  it('is refused with the present text, the one that it was made from, and both edits together', async () => {
    const { id } = await anEntry(app, ada, { title: 'Title', content: 'one\ntwo\nthree\nfour' });
    await edit(id, 1, { content: 'ONE\ntwo\nthree\nfour' });
    expect(await refusal(id, 1, { title: 'My title', content: 'one\ntwo\nthree\nFOUR' })).toEqual({
      code: 'CONFLICT',
      currentVersion: 2,
      current: { title: 'Title', content: 'ONE\ntwo\nthree\nfour' },
      base: { title: 'Title', content: 'one\ntwo\nthree\nfour' },
      merged: { title: 'My title', content: 'ONE\ntwo\nthree\nFOUR' },
    });
  });

  it('has nothing merged where both have changed the same lines, or the title', async () => {
    const { id } = await anEntry(app, ada, { title: 'Title', content: 'one' });
    await edit(id, 1, { title: 'Theirs', content: 'theirs' });
    expect(await refusal(id, 1, { content: 'mine' })).toMatchObject({ base: { content: 'one' }, merged: null });
    expect(await refusal(id, 1, { title: 'Mine' })).toMatchObject({ merged: null });
    expect(await refusal(id, 1, { tags: ['mine'] })).toMatchObject({ merged: { title: 'Theirs', content: 'theirs' } });
    expect(await refusal(id, 99, { content: 'mine' })).toMatchObject({ currentVersion: 2, base: null, merged: null });
  });
});
