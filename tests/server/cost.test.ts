import { getIntrospectionQuery, isObjectType, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { isUnpricedList } from '../../src/graphql/price.js';
import { schema } from '../../src/process/schema.js';
import { createCostOf, type Cost } from '../../src/server/execution/cost.js';

const costOf = createCostOf(schema);
const cost = (source: string, variableValues: Record<string, unknown> = {}): Cost => {
  const document = parse(source);
  expect(validate(schema, document)).toEqual([]);
  return costOf({ document, variableValues });
};
const price = (source: string, variables?: Record<string, unknown>): number => cost(source, variables).price;
const LIMIT = 5_000;

const aliases = (count: number, field: string): string =>
  `{ ${Array.from({ length: count }, (_, index) => `a${index}: ${field}`).join(' ')} }`;

describe('the price of an operation', () => {
  it('counts the rows of nested pages as often as they may be read', () => {
    // 20 posts and their page, 20 authors, 20 pages of 3 comments, 60 authors; the rest is values.
    const nested = price(
      '{ posts(first: 20) { nodes { body author { username } comments(first: 3) { nodes { body author { username } } } } } }',
    );
    expect(nested).toBeGreaterThanOrEqual(1 + 20 + 20 + 20 * 4 + 60);
    expect(nested).toBeLessThan(300);
  });

  it('counts the statement for all objects of a list once', () => {
    const page = (first: number, field: string): number => price(`{ users(first: ${first}) { nodes { ${field} } } }`);
    const [one, ten] = [1, 10].map((first) => page(first, '__typename viewerFollows') - page(first, '__typename'));
    expect([one, ten]).toEqual([21, 30]);
  });

  it('counts what each event is about as often as it is selected', () => {
    const events = (field: string): number => price(`{ postEvents(postId: "x", first: 20) { ${field} } }`);
    const [one, two] = ['a: post { id }', 'a: post { id } b: post { id }'].map((field) => events(`... on PostDeleted { ${field} }`));
    expect((two ?? 0) - (one ?? 0)).toBeGreaterThanOrEqual(200);
  });

  it('counts the names of types of many objects', () => {
    const names = Array.from({ length: 400 }, (_, index) => `a${index}: __typename`).join(' ');
    expect(price(`{ users(first: 100) { nodes { ${names} } } }`)).toBeGreaterThan(2_000);
    expect(price('{ __typename }')).toBe(price('{ a: __typename b: __typename }'));
  });

  it('is the same by edges and by nodes', () => {
    expect(price('{ posts { edges { node { author { id } } } } }')).toBe(price('{ posts { nodes { author { id } } } }'));
  });

  it('takes a page without a size for a page of the default size', () => {
    expect(price('{ posts { nodes { author { id } } } }')).toBe(price('{ posts(first: 20) { nodes { author { id } } } }'));
    expect(price('{ user(id: "x") { followers { nodes { followers { nodes { followers { nodes { id } } } } } } } }')).toBeGreaterThan(
      8_000,
    );
  });

  it.each([
    ['given', { n: 50 }, 50],
    ['left out, with a default of its own', {}, 3],
    ['null', { n: null }, 20],
    ['no number', { n: 'many' }, 100],
    ['negative', { n: -5 }, 0],
    ['beyond the largest page', { n: 1e9 }, 100],
  ])('finds the size of a page by a variable that is %s', (_case, variables, size) => {
    const selection = '{ nodes { author { id } } }';
    expect(price(`query ($n: Int = 3) { posts(first: $n) ${selection} }`, variables)).toBe(price(`{ posts(first: ${size}) ${selection} }`));
  });

  it('counts each alias', () => {
    const [one, two] = [1, 2].map((count) => price(aliases(count, 'posts { totalCount }')));
    expect(price(aliases(10, 'posts { totalCount }'))).toBe((one ?? 0) + 9 * ((two ?? 0) - (one ?? 0)));
  });

  it.each([
    ['counts', 'posts { totalCount }'],
    ['searches', 'entries(filter: { search: "zq" }, first: 0) { pageInfo { hasNextPage } }'],
    ['lists of tags', 'tags(search: "a")'],
    ['introspections', '__schema { types { fields { args { type { name } } type { name ofType { name } } } } }'],
  ])('does not let two hundred %s through in one operation', (_what, field) => {
    expect(price(aliases(200, field))).toBeGreaterThan(LIMIT);
  });

  it('lets the introspection of a tool through', () => {
    const { price: rows, depth } = cost(getIntrospectionQuery());
    expect(rows).toBeLessThan(LIMIT / 2);
    expect(depth).toBe(1);
  });

  it('counts of the fragments on types that exclude each other the dearest alone', () => {
    const post = '... on Post { comments(first: 100) { nodes { id } } }';
    const user = '... on User { posts(first: 50) { nodes { id } } }';
    const of = (fragments: string): number => price(`{ node(id: "x") { ${fragments} } }`);
    expect(of(`${post} ${user}`)).toBe(of(post));
    expect(of(`${post} ${post.replace('comments', 'more: comments')}`)).toBeGreaterThan(of(post));
  });

  it('counts a fragment wherever it is spread', () => {
    const fragment = 'fragment F on Post { author { id } comments { nodes { id } } }';
    const inline = price('{ posts { nodes { author { id } comments { nodes { id } } } } }');
    expect(price(`{ posts { nodes { ...F } } } ${fragment}`)).toBe(inline);
    expect(price(`{ a: posts { nodes { ...F } } b: posts { nodes { ...F } } } ${fragment}`)).toBeGreaterThan(1.9 * inline);
  });

  it('counts lists of ids by their lengths', () => {
    const nodes = (count: number): number => price('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: Array(count).fill('x') });
    expect(nodes(100) - nodes(1)).toBeGreaterThan(99);
  });

  it('says of every list of objects how many it may hold', () => {
    const unpriced = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type) && !type.name.startsWith('__') && !/(Connection|Edge)$/.test(type.name)
        ? Object.values(type.getFields())
            .filter(isUnpricedList)
            .map(({ name }) => `${type.name}.${name}`)
        : [],
    );
    expect(unpriced).toEqual([]);
  });
});

describe('the depth of an operation', () => {
  it('allows five connections within each other, by edges too, when the price does', () => {
    const nest = (levels: number, inner: string): string =>
      levels === 0 ? inner : `followers(first: 2) { edges { node { ${nest(levels - 1, inner)} } } }`;
    const five = cost(`{ user(username: "ada") { ${nest(5, 'username')} } }`);
    expect(five.depth).toBeLessThanOrEqual(12);
    expect(five.price).toBeLessThan(LIMIT);
  });

  it('counts the levels of meaning: a connection is one, by edges or by nodes', () => {
    expect(cost('{ posts { nodes { author { posts { nodes { id } } } } } }').depth).toBe(4);
    expect(cost('{ posts { edges { node { author { posts { edges { node { id } } } } } } } }').depth).toBe(4);
  });
});
