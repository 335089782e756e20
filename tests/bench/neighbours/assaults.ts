/** What the attacker asks. */
import { getIntrospectionQuery } from 'graphql';
import { largestAccepted } from '../worst/accepted.js';
import { ATTACKS } from '../worst/attacks.js';
import type { Asked } from '../worst/stage.js';

const times = (count: number, text: (n: number) => string): string => Array.from({ length: count }, (_, n) => text(n)).join(' ');
const largest = (name: string): Asked => {
  const found = ATTACKS.find((attack) => attack.name === name);
  if (found === undefined) throw new Error(`There is no attack "${name}".`);
  return found.of(largestAccepted(found.of, found.most ?? 2_000));
};
const nested = (levels: number, inner: string): string => (levels === 0 ? inner : `followers { nodes { ${nested(levels - 1, inner)} } }`);

export interface Kind {
  readonly name: string;
  readonly asked: readonly (Asked | { readonly documentId: string } | { readonly text: string })[];
  /** The credential that each request, or the handshake of the socket, brings. */
  readonly token?: string;
}

/** The body of a request, which is JSON unless it is not meant to be. */
export const bodyOf = (asked: Kind['asked'][number]): string => ('text' in asked ? asked.text : JSON.stringify(asked));

export const KINDS: readonly Kind[] = [
  {
    name: 'introspection, hundreds of times',
    asked: [
      { query: `{ ${times(400, (n) => `a${n}: __schema { types { name fields { name description args { name type { name } } } } }`)} }` },
    ],
  },
  { name: 'the introspection of a tool', asked: [{ query: getIntrospectionQuery() }] },
  {
    name: 'pages within pages without sizes',
    asked: [
      {
        query: `{ user(username: "user1") { ${nested(
          3,
          times(8, (n) => `a${n}: username`),
        )} } }`,
      },
    ],
  },
  {
    name: 'searches and counts, thousands of times',
    asked: [{ query: `{ ${times(2_000, (n) => `a${n}: entries(filter: { search: "zq" }) { totalCount }`)} }` }],
  },
  { name: 'searches, as many as are accepted', asked: [largest('searches of entries that find many')] },
  { name: 'HTML of entries', asked: [largest('contentHtml of a page')] },
  { name: 'values, as many as are accepted', asked: [largest('ids of a page'), largest('empty pages of a page')] },
  { name: 'long documents that are not valid', asked: [{ query: `{ ${times(3_000, (n) => `field${n} { a b }`)} }` }] },
  { name: 'requests of a megabyte', asked: [largest('a request of a megabyte')] },
  { name: 'documents that cannot be parsed', asked: [{ query: '{ posts(first: 5) { nodes { id body author { username ' }] },
  { name: 'short documents that are not valid', asked: [{ query: '{ posts(first: 5) { nodes { id body author { name } } } }' }] },
  { name: 'wrong variables', asked: [{ query: 'query ($n: Int) { posts(first: $n) { nodes { id } } }', variables: { n: 'five' } }] },
  { name: 'documents by unknown hashes', asked: [{ documentId: 'a'.repeat(64) }] },
  { name: 'bodies that are no JSON', asked: [{ text: '{ "query": }' }] },
  { name: 'refused tokens', asked: [{ query: '{ __typename }' }], token: 'none' },
];
