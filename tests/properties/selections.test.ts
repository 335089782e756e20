import fc from '../kit/cases.js';
import { getNamedType, isLeafType, isObjectType, isRequiredArgument, type GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/process/schema.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aFollow, aGroup, aMessage, anEntry, aPost } from '../kit/factories.js';

/*
 * A list reads no more of its rows than its fields need; `node(id)` reads them by another way, through Prisma and the plan of Pothos. Whatever is
 * selected, both show the same.
 */

/** Where objects of a type are listed. */
const LISTS: Readonly<Record<string, readonly string[]>> = {
  Post: ['list: posts(first: 3)', 'list: feed(first: 3)'],
  Comment: ['posts(first: 2) { nodes { list: comments(first: 3)'],
  User: ['list: users(first: 3)', 'users(first: 3) { nodes { list: followers(first: 2)'],
  Entry: ['list: entries(first: 3)', 'users(first: 3) { nodes { list: entries(first: 2)'],
  Conversation: ['me { list: conversations(first: 3)'],
  Message: ['me { conversations(first: 2) { edges { node { list: messages(last: 3)', 'me { list: messageHistory(first: 3)'],
  Notification: ['me { list: notifications(first: 5)'],
};

type Draw = (max: number) => number;

const objectType = (name: string): GraphQLObjectType => {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new Error(`"${name}" is no type of objects.`);
  return type;
};

/** Some fields of a type, written in some way. */
const selectionOf = (draw: Draw, type: GraphQLObjectType, depth: number): string => {
  const usable = Object.values(type.getFields()).filter(({ args, type: of }) => {
    const inner = getNamedType(of);
    return !args.some(isRequiredArgument) && (isLeafType(inner) || (depth > 0 && isObjectType(inner) && inner.name !== 'Me'));
  });
  const parts = Array.from({ length: 1 + draw(3) }, () => {
    const field = usable[draw(usable.length - 1)];
    if (field === undefined) return '__typename';
    const inner = getNamedType(field.type);
    const isPage = inner.name.endsWith('Connection');
    const below = !isObjectType(inner) ? '' : isPage ? '(first: 1) { nodes { __typename } }' : `{ ${selectionOf(draw, inner, depth - 1)} }`;
    const text = `${draw(3) === 0 ? `other_${field.name}: ` : ''}${field.name} ${below}`;
    return [text, text, `... on ${type.name} { ${text} }`, `... { ${text} }`, `... @skip(if: $flag) { ${text} }`][draw(4)];
  });
  return parts.join(' ');
};

interface Item {
  readonly id: string;
}

/** What is found in an answer under a name. */
const found = (value: unknown, name: string): unknown[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value as Readonly<Record<string, unknown>>).flatMap(([key, inner]) => (key === name ? [inner] : found(inner, name)));

let app: TestApp;
let ada: TestUser;

beforeAll(async () => {
  app = await startTestApp({ env: { QUERY_CACHE_BYTES: '0' } });
  ada = await app.user('ada');
  const ben = await app.user('ben');
  await aFollow(app, ada, ben);
  await aFollow(app, ben, ada);
  for (const author of [ada, ben]) {
    const post = await aPost(app, author);
    const comment = await aComment(app, ben, post.id);
    await aComment(app, ada, post.id, { replyToId: comment.id });
    await anEntry(app, author, { tags: ['one', 'two'] });
  }
  const group = await aGroup(app, ada, [ben]);
  const first = await aMessage(app, ada, group.id, 'Hello @ben');
  await aMessage(app, ben, group.id, { body: 'Hello @ada', replyToId: first.id });
});
afterAll(() => app.stop());

describe('a list', () => {
  it('shows of its rows what each of them shows by itself, whatever is selected', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(LISTS)), fc.boolean(), fc.gen(), async (name, flag, gen) => {
        const draw: Draw = (max) => gen(fc.nat, max);
        const text = selectionOf(draw, objectType(name), 2);
        const lists = LISTS[name] ?? [];
        const list = lists[draw(lists.length - 1)] ?? '';
        const nodes = draw(1) === 0 ? `nodes { id ...Shown }` : `edges { node { id } } edges { node { ...Shown } }`;
        const document = `query Listed($flag: Boolean!) { ${list} { ${nodes} } ${'}'.repeat(list.split('{').length - 1)} used: __typename @skip(if: $flag) }
          fragment Shown on ${name} { ${text} }`;
        const listed = await app.data<object>(document, { flag }, ada);
        const pages = found(listed, 'list') as { readonly nodes?: Item[]; readonly edges?: { readonly node: Item }[] }[];
        const items = pages.flatMap(({ nodes: given, edges }) => given ?? edges?.map(({ node }) => node) ?? []);
        for (const item of items.slice(0, 4)) {
          const { node } = await app.data<{ node: Item }>(
            `query Alone($id: ID!, $flag: Boolean!) { node(id: $id) { id ...Shown } used: __typename @skip(if: $flag) } fragment Shown on ${name} { ${text} }`,
            { id: item.id, flag },
            ada,
          );
          expect(item).toEqual(node);
        }
      }),
      { numRuns: 120 },
    );
  });

  it.each([
    ['a column', 'posts(first: 1) { nodes { body } }', ['body', 'created_at', 'id']],
    ['a row that it names', 'posts(first: 1) { edges { node { author { username } } } }', ['author_id', 'created_at', 'id', 'username']],
    ['its id', 'entries(first: 1) { nodes { id } }', ['created_at', 'id']],
    ['nothing', 'users(first: 1) { pageInfo { hasNextPage } }', ['created_at', 'id']],
  ])('reads no more of its rows than %s, where no more is selected', async (_what, text, columns) => {
    const statements = await app.countStatements(() => app.data(`{ ${text} }`));
    const [statement = ''] = statements.filter((sql) => sql.includes('LIMIT'));
    const [, inner] = /FROM \(SELECT (.*?) FROM/.exec(statement) ?? [];
    const read = (inner === undefined ? statement.split(' FROM ')[0] : `${inner} ${statement.split(' FROM ')[0]}`) ?? '';
    expect(new Set([...read.matchAll(/\."(\w+)"/g)].map(([, name]) => name))).toEqual(new Set(columns));
  });
});
