import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aGroup, aMessage, anEntry, aPost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { dangersIn, HOSTILE } from '../kit/hostile-markdown.js';

const Html = graphql(`
  query BodyHtml($ids: [ID!]!) {
    nodes(ids: $ids) {
      ... on Post {
        body
        bodyHtml
      }
      ... on Comment {
        body
        bodyHtml
      }
      ... on Message {
        body
        bodyHtml
      }
      ... on Entry {
        bodyHtml: contentHtml
      }
    }
  }
`);
const Added = graphql(`
  subscription BodyHtmlAdded($id: ID!, $after: String) {
    messageAdded(conversationId: $id, after: $after) {
      message {
        bodyHtml
      }
    }
  }
`);
const DeleteAll = graphql(`
  mutation BodyHtmlDelete($comment: ID!, $message: ID!) {
    deleteComment(input: { id: $comment }) {
      commentId
    }
    deleteMessage(input: { messageId: $message }) {
      messageId
    }
  }
`);

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
let postId: string;
let conversationId: string;

beforeAll(async () => {
  app = await startTestApp();
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
  ({ id: postId } = await aPost(app, ada));
  ({ id: conversationId } = await aGroup(app, ada, [ben]));
});
afterAll(() => app.stop());

/** A post, a comment and a message of this text. */
const write = async (body: string): Promise<[post: string, comment: string, message: string]> => [
  (await aPost(app, ada, { body })).id,
  (await aComment(app, ada, postId, { body })).id,
  (await aMessage(app, ada, conversationId, body)).id,
];

const htmlOf = async (ids: readonly string[]) =>
  (await app.data(Html, { ids: [...ids] }, ada)).nodes.map((node) => (node !== null && 'bodyHtml' in node ? node.bodyHtml : null));

describe('the HTML of a post, a comment and a message', () => {
  it('is what the Markdown says', async () => {
    const rel = 'rel="nofollow noopener noreferrer"';
    const html = `<p><strong>Hello</strong> <a href="/people/ben" ${rel}>@ben</a>, <a href="https://a.example" ${rel}>see</a> <code>x</code></p>\n`;
    expect(await htmlOf(await write('**Hello** @ben, [see](https://a.example) `x`'))).toEqual([html, html, html]);
  });

  it.each([
    ['\n \n    a\n\n', '<pre><code>a\n</code></pre>\n'],
    ['  - a\n  - b', '<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n'],
    ['\t\tb  \n   \n', '<pre><code>\tb  \n</code></pre>\n'],
  ])('keeps the blanks of %j that mean something', async (text, html) => {
    const entry = await anEntry(app, ada, { content: text });
    expect(await htmlOf([...(await write(text)), entry.id])).toEqual([html, html, html, html]);
  });

  it('is refused of blanks alone', async () => {
    await expect(aPost(app, ada, { body: ' \n\t\n ' })).rejects.toThrow('TOO_SHORT');
  });

  // A text cannot hold control characters.
  it.each(HOSTILE.filter(([, source]) => !/[\0\x01]/.test(source)))('is safe against %s', async (_name, source) => {
    const found = await htmlOf(await write(source));
    expect(found.map((html) => html !== null && dangersIn(html))).toEqual([[], [], []]);
  });

  it('is empty, as the text is, of what has been deleted', async () => {
    const [, comment, message] = await write('*gone*');
    await app.data(DeleteAll, { comment, message }, ada);
    const gone = { body: '', bodyHtml: '' };
    expect((await app.data(Html, { ids: [comment, message] }, ada)).nodes).toEqual([gone, gone]);
  });

  it('is asked for once for all who follow a conversation', async () => {
    const { cursor: after } = await aMessage(app, ada, conversationId, 'before');
    const followers = [ada, ben].map((user) => app.connect(user).subscribe(Added, { id: conversationId, after }));
    const received = () => Promise.all(followers.map(async (each) => (await each.data()).messageAdded.message.bodyHtml));
    await aMessage(app, ada, conversationId, 'both are here');
    await received();
    const asked = vi.spyOn(app.services.markdown, 'html');
    await aMessage(app, ada, conversationId, '_live_');
    const html = '<p><em>live</em></p>\n';
    expect(await received()).toEqual([html, html]);
    expect(asked).toHaveBeenCalledTimes(1);
    asked.mockRestore();
  });
});

describe('what one operation may have rendered', () => {
  const LONG = 9_900;
  const posts = (textOf: (n: number) => string): Promise<string[]> =>
    Promise.all(Array.from({ length: 60 }, async (_, n) => (await aPost(app, ada, { body: textOf(n) })).id));

  it('is counted by length, over all its texts', async () => {
    const ids = await posts((n) => `${n} ${'word '.repeat(LONG / 5)}`);
    const { errors } = await app.execute(Html, { ids }, ada);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'OPERATION_TOO_COMPLEX', limit: 400_000 });
    // What has been rendered is kept, so those who ask for less at a time get all of it.
    expect((await htmlOf(ids.slice(0, 30))).every((html) => html !== null)).toBe(true);
  });

  it('is not used up by texts that are equal, which are rendered once', async () => {
    const ids = await posts(() => 'same '.repeat(LONG / 5));
    expect(new Set(await htmlOf(ids)).size).toBe(1);
  });
});
