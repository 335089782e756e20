import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';
import { dangersIn, HOSTILE } from '../kit/hostile-markdown.js';

const Preview = graphql(`
  query MarkdownPreview($text: String!) {
    markdownPreview(text: $text)
  }
`);
const Write = graphql(`
  mutation MarkdownPreviewWrite($input: CreateEntryInput!) {
    createEntry(input: $input) {
      entry {
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

const previewOf = async (text: string): Promise<string> => (await app.data(Preview, { text }, ada)).markdownPreview;

describe('the preview of a text that is being written', () => {
  it('is what an entry of it shows', async () => {
    const content = '# Bread\n\nFlour, *water*, salt.';
    const { createEntry } = await app.data(Write, { input: { title: 'Bread', content } }, ada);
    expect(await previewOf(content)).toBe(createEntry.entry.contentHtml);
  });

  it('is of nothing, nothing', async () => {
    expect(await previewOf('')).toBe('');
  });

  it('is as safe as what is written', async () => {
    // Control characters are refused, here as in what is written.
    const text = HOSTILE.map(([, source]) => source.replaceAll(/[^\n\P{Cc}]/gu, '')).join('\n\n');
    expect(dangersIn(await previewOf(text))).toEqual([]);
  });

  it('is for those who are signed in', async () => {
    expect(await app.code(Preview, { text: 'x' })).toBe('UNAUTHENTICATED');
  });

  it('is refused for a text that could not be written', async () => {
    expect(await app.code(Preview, { text: 'x'.repeat(200_001) }, ada)).toBe('BAD_USER_INPUT');
  });

  it('costs the more the longer the text is', async () => {
    const query = 'query MarkdownPreviewCost($text: String!) { markdownPreview(text: $text) }';
    const costOf = async (text: string): Promise<number> => {
      const response = await fetch(app.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${ada.token}` },
        body: JSON.stringify({ query, variables: { text }, extensions: { cost: true } }),
      });
      const { extensions } = (await response.json()) as { readonly extensions: { readonly cost: { readonly price: number } } };
      return extensions.cost.price;
    };
    expect(await costOf('x'.repeat(100_000))).toBeGreaterThan(10 * (await costOf('x'.repeat(1_000))));
  });
});
