import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RENDERER } from '../../../src/markdown/version.js';
import { startTestApp, type TestApp, type TestUser } from '../../kit/app.js';
import { anEntry } from '../../kit/factories.js';
import { graphql } from '../../kit/graphql.js';
import { decodeId } from '../../../src/graphql/ids.js';

const Html = graphql(`
  query EntryHtml($id: ID!) {
    entry(id: $id) {
      contentHtml
    }
  }
`);
const Edit = graphql(`
  mutation EntryHtmlEdit($input: UpdateEntryInput!) {
    updateEntry(input: $input) {
      entry {
        contentHtml
      }
    }
  }
`);

const All = graphql(`
  query EntryHtmlAll($ids: [ID!]!) {
    nodes(ids: $ids) {
      ... on Entry {
        contentHtml
      }
    }
  }
`);

let app: TestApp;
let ada: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  ada = await app.user('ada');
});
afterAll(() => app.stop());

interface Stored {
  readonly version: number;
  readonly renderer: number;
  readonly html: string;
}

const storedOf = async (id: string): Promise<Stored | null> =>
  await app.services.db.prisma.entryHtml.findUnique({
    where: { entryId: decodeId('Entry', id, 'id') },
    select: { version: true, renderer: true, html: true },
  });
/** Stored once the job has run that the writing has left. */
const settled = (id: string, version: number): Promise<Stored | null> =>
  vi.waitUntil(async () => {
    const stored = await storedOf(id);
    return stored?.version === version && stored.renderer === RENDERER ? stored : null;
  }, 20_000);
const shownOf = async (id: string) => (await app.data(Html, { id }, ada)).entry.contentHtml;

describe('the HTML of an entry', () => {
  it('is stored when the entry is written, and with each change', async () => {
    const { id } = await anEntry(app, ada, { content: '*one*' });
    expect(await settled(id, 1)).toMatchObject({ html: '<p><em>one</em></p>\n' });
    const { updateEntry } = await app.data(Edit, { input: { id, expectedVersion: 1, content: '*two*' } }, ada);
    expect(updateEntry.entry.contentHtml).toBe('<p><em>two</em></p>\n');
    expect(await settled(id, 2)).toMatchObject({ html: '<p><em>two</em></p>\n' });
  });

  it('is shown as it is stored, without being rendered again', async () => {
    const { id } = await anEntry(app, ada, { content: '*three*' });
    await settled(id, 1);
    const asked = vi.spyOn(app.services.markdown, 'html');
    expect(await shownOf(id)).toBe('<p><em>three</em></p>\n');
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
  });

  it.each([
    ['of an earlier version of the entry', { version: 0 }],
    ['of an earlier renderer', { renderer: RENDERER - 1 }],
  ])('%s is not shown, and a job makes it anew', async (_name, outdated) => {
    const { id } = await anEntry(app, ada, { content: '*four*' });
    await settled(id, 1);
    await app.services.db.prisma.entryHtml.update({ where: { entryId: decodeId('Entry', id, 'id') }, data: { ...outdated, html: 'old' } });
    expect(await shownOf(id)).toBe('<p><em>four</em></p>\n');
    await app.runTask('knowledge.renderOutdated');
    expect(await storedOf(id)).toEqual({ version: 1, renderer: RENDERER, html: '<p><em>four</em></p>\n' });
  });

  it('of a newer renderer stays, which another process of a new release has made', async () => {
    const { id } = await anEntry(app, ada, { content: '*five*' });
    await settled(id, 1);
    await app.services.db.prisma.entryHtml.update({
      where: { entryId: decodeId('Entry', id, 'id') },
      data: { renderer: RENDERER + 1, html: 'new' },
    });
    await app.runTask('knowledge.renderOutdated');
    expect(await storedOf(id)).toMatchObject({ html: 'new' });
    expect(await shownOf(id)).toBe('new');
  });

  it('is made by the job where there is none, and shown before that', async () => {
    const { id } = await anEntry(app, ada, { content: '*six*' });
    await settled(id, 1);
    await app.services.db.prisma.entryHtml.delete({ where: { entryId: decodeId('Entry', id, 'id') } });
    expect(await shownOf(id)).toBe('<p><em>six</em></p>\n');
    await app.runTask('knowledge.renderOutdated');
    expect(await storedOf(id)).toMatchObject({ version: 1 });
  });

  it('of several is read at once, though it would be too much to render for one operation', async () => {
    const text = 'Some *words* of a long text.\n\n'.repeat(5_500);
    const entries = await Promise.all([1, 2, 3].map((n) => anEntry(app, ada, { content: `${n} ${text}` })));
    await Promise.all(entries.map(({ id }) => settled(id, 1)));
    const { nodes } = await app.data(All, { ids: entries.map(({ id }) => id) }, ada);
    expect(nodes.map((node) => node !== null && 'contentHtml' in node && node.contentHtml.length > text.length)).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('goes with the entry', async () => {
    const { id } = await anEntry(app, ada, { content: '*seven*' });
    await settled(id, 1);
    await app.services.db.prisma.entry.delete({ where: { id: decodeId('Entry', id, 'id') } });
    expect(await storedOf(id)).toBeNull();
  });

  it('of a page of the largest size is rendered, however it is written', async () => {
    const { id } = await anEntry(app, ada, { content: `- 1a\n${'1a\n'.repeat(60_000)}` });
    expect(await settled(id, 1)).toMatchObject({ html: expect.stringMatching(/^<ul>\n<li>1a\n1a/) as string });
  });
});
