import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { like } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';
import { aComment, aFollow, aPost, anEntry } from '../kit/factories.js';
import { createTalk } from '../kit/talk.js';

interface Page {
  readonly totalCount: number;
  readonly nodes: readonly unknown[];
  readonly edges: readonly { readonly cursor: string; readonly node: unknown }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const PAGE =
  'totalCount nodes { __typename id } edges { cursor node { __typename id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
/** Where the lists of the tests are, each with how it is asked for and who has nothing in it. */
let conversationId: string;

beforeAll(async () => {
  app = await startTestApp();
  const talk = createTalk(app);
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
  conversationId = (await talk.group(ada, [ben])).id;
  await talk.send(ben, conversationId, 'Hello @ada');
  await talk.send(ben, conversationId, 'Again');
  for (const body of ['one', 'two']) {
    const { id } = await aPost(app, ada, { body });
    await aComment(app, ben, id, { body });
    await like(app, ben, id);
    await anEntry(app, ada, { title: body, content: body });
  }
  await aFollow(app, ben, ada);
});
afterAll(() => app.stop());

const LISTS: Readonly<Record<string, (args: string) => string>> = {
  users: (args) => `list: users(${args}) { ${PAGE} }`,
  posts: (args) => `list: posts(${args}) { ${PAGE} }`,
  feed: (args) => `list: feed(${args}) { ${PAGE} }`,
  entries: (args) => `list: entries(${args}) { ${PAGE} }`,
  popularEntries: (args) => `list: popularEntries(${args}) { ${PAGE} }`,
  'User.posts': (args) => `user(username: "ada") { list: posts(${args}) { ${PAGE} } }`,
  'User.entries': (args) => `user(username: "ada") { list: entries(${args}) { ${PAGE} } }`,
  'User.followers': (args) => `user(username: "ada") { list: followers(${args}) { ${PAGE} } }`,
  'Me.conversations': (args) => `me { list: conversations(${args}) { ${PAGE} } }`,
  'Me.notifications': (args) => `me { list: notifications(${args}) { ${PAGE} } }`,
  'Conversation.members': (args) => `conversation(id: "${conversationId}") { list: members(${args}) { ${PAGE} } }`,
  'Conversation.messages': (args) => `conversation(id: "${conversationId}") { list: messages(${args}) { ${PAGE} } }`,
};

const ask = async (name: string, args: string): Promise<Page> => {
  const data = await app.data<Record<string, { list?: Page }>>(`{ ${LISTS[name]?.(args) ?? ''} }`, {}, ada);
  const [outer] = Object.values(data);
  return (outer?.list ?? outer) as Page;
};

describe.each(Object.keys(LISTS))('a page of %s', (name) => {
  it('of no items says whether there are any', async () => {
    const { totalCount } = await ask(name, 'first: 1');
    expect(totalCount).toBeGreaterThan(0);
    const none = { totalCount, nodes: [], edges: [], pageInfo: { startCursor: null, endCursor: null } };
    expect(await ask(name, 'first: 0')).toMatchObject({
      ...none,
      pageInfo: { ...none.pageInfo, hasNextPage: true, hasPreviousPage: false },
    });
    expect(await ask(name, 'last: 0')).toMatchObject({
      ...none,
      pageInfo: { ...none.pageInfo, hasNextPage: false, hasPreviousPage: true },
    });
  });

  it('of no items after the last one says that there are no more', async () => {
    const { pageInfo } = await ask(name, 'last: 1');
    const { hasNextPage, hasPreviousPage } = (await ask(name, `first: 0, after: "${pageInfo.endCursor ?? ''}"`)).pageInfo;
    expect({ hasNextPage, hasPreviousPage }).toEqual({ hasNextPage: false, hasPreviousPage: true });
  });

  it('has its items as nodes, too', async () => {
    const { nodes, edges } = await ask(name, 'first: 5');
    expect(nodes).toEqual(edges.map(({ node }) => node));
  });
});

describe('nodes of a page', () => {
  it('cost as many statements as by its edges, whatever is selected of them', async () => {
    const cost = async (selection: (item: string) => string): Promise<number> => {
      const item = '{ id body author { username } comments(first: 5) { totalCount } viewerHasLiked }';
      return (await app.countStatements(() => app.data(`{ posts(first: 10) { ${selection(item)} } }`, {}, ada))).length;
    };
    expect(await cost((item) => `nodes ${item}`)).toBe(await cost((item) => `edges { node ${item} }`));
  });

  const NodesBesideEdges = graphql(`
    query PagesNodesBesideEdges {
      posts(first: 2) {
        nodes {
          body
          comments(first: 1) {
            totalCount
          }
        }
        edges {
          node {
            author {
              username
            }
            comments(first: 0) {
              nodes {
                id
              }
            }
          }
        }
      }
    }
  `);

  it('may select something else than the edges beside them', async () => {
    const { posts } = await app.data(NodesBesideEdges);
    expect(posts.nodes).toEqual([
      { body: 'two', comments: { totalCount: 1 } },
      { body: 'one', comments: { totalCount: 1 } },
    ]);
    expect(posts.edges).toEqual([1, 2].map(() => ({ node: { author: { username: 'ada' }, comments: { nodes: [] } } })));
  });
});

describe('a page of events that are polled', () => {
  const POLL = `query ($id: ID!, $first: Int) { conversationEvents(conversationId: $id, first: $first) { __typename } }`;

  it('may be of none', async () => {
    expect(await app.data(POLL, { id: conversationId, first: 0 }, ada)).toEqual({ conversationEvents: [] });
  });
});
