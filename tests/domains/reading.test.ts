import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aGroup, aMessage, aPost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';

/*
 * What the statements of a query read, said by the statements themselves: no more than what was asked for.
 */

let app: TestApp;
let ada: TestUser;
let ben: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
  for (const body of ['one', 'two', 'three']) {
    const { id } = await aPost(app, ada, { body });
    await aComment(app, ben, id, { body: `about ${body}` });
    await aComment(app, ada, id, { body: `more about ${body}` });
  }
  const { id } = await aGroup(app, ada, [ben]);
  await aMessage(app, ada, id, 'hello');
});
afterAll(() => app.stop());

/** The statements that read heads of streams, but for that of the sign-in. */
const ofHeads = (statements: readonly string[]): string[] => statements.filter((sql) => /\bhead\b/.test(sql) && !sql.includes('session'));

describe('a position', () => {
  it('is read for no list whose operation asks for none', async () => {
    const Comments = graphql(
      `query ReadingComments { posts { nodes { comments(first: 3) { nodes { body replies { nodes { id } } } } } } }`,
    );
    const Inbox = graphql(
      `query ReadingInbox { me { conversations { nodes { unreadCount memberCount messages(last: 1) { nodes { body } } } } notifications { nodes { id } } } }`,
    );
    const statements = await app.countStatements(async () => {
      await app.data(Comments);
      await app.data(Inbox, {}, ada);
    });
    expect(ofHeads(statements)).toEqual([]);
  });

  it('is read before the list beside it, wherever in the operation it is asked for', async () => {
    const Beside = graphql(`
      query ReadingBeside { posts { nodes { comments(first: 3) { nodes { body } } ...ReadingPosition } } }
      fragment ReadingPosition on Post { commentCursor }
    `);
    const statements = await app.countStatements(() => app.data(Beside));
    const comments = statements.findIndex((sql) => /FROM .*\bcomment\b/s.test(sql));
    expect(statements.findIndex((sql) => ofHeads([sql]).length > 0)).toBeLessThan(comments);
    expect(ofHeads(statements)).toHaveLength(1);
  });

  it('is given for an edge and for the ends of a page, where only the fragment of a nested list asks for it', async () => {
    const Nested = graphql(`
      query ReadingNested { posts { nodes { ...ReadingPage } } }
      fragment ReadingPage on Post { comments { edges { cursor } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }
    `);
    for (const { comments } of (await app.data(Nested)).posts.nodes) {
      const cursors = comments.edges.map(({ cursor }) => cursor);
      expect(new Set(cursors).size).toBe(2);
      expect(comments.pageInfo).toEqual({ startCursor: cursors[0], endCursor: cursors[1], hasNextPage: false, hasPreviousPage: false });
    }
  });
});
