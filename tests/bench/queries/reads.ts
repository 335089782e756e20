/** What is asked, in the words of each schema. Every answer stands under `answer`, and what is the same has the same name in it. */
import { otherReads } from './reads-other.js';
import { idOf, postedAt, type Amounts } from './seed.js';
import { DIALECTS, globalId, nodeId, VARIANTS, type Read } from './words.js';

const NEWEST = 'orderBy: [CREATED_AT_DESC, ROW_ID_DESC]';
const AUTHOR = 'id username displayName';

const afterPost = (n: number): string => `${postedAt(n).toISOString()},${idOf('post', n)}`;

const mainReads = ({ posts, categories, viewers }: Amounts): readonly Read[] => {
  const somePost = (n: number): string => idOf('post', (n * 997) % posts);
  const category = (n: number): string => `category-${n % categories}`;
  const afterNewest = (n: number): string => afterPost(posts - 1 - n);
  return [
    {
      name: 'hello',
      signedIn: false,
      variants: 1,
      words: Object.fromEntries(DIALECTS.map((dialect) => [dialect, { query: dialect === 'bare' ? 'hello' : '{ answer: __typename }' }])),
    },
    {
      name: 'node',
      signedIn: false,
      variants: VARIANTS,
      words: {
        lyceum: {
          query: `query One($id: ID!) { answer: node(id: $id) { ... on Post { id body createdAt likeCount commentCount author { ${AUTHOR} } } } }`,
          variables: (n) => ({ id: globalId('Post', somePost(n)) }),
        },
        postgraphile: {
          query: `query One($id: ID!) { answer: node(id: $id) { ... on Post { id body createdAt likeCount commentCount author: userByAuthorId { ${AUTHOR} } } } }`,
          variables: (n) => ({ id: nodeId('Post', somePost(n)) }),
        },
        mercurius: {
          query: `query One($id: ID!) { answer: post(id: $id) { id body createdAt likeCount commentCount author { ${AUTHOR} } } }`,
          variables: (n) => ({ id: somePost(n) }),
        },
        bare: { query: 'node', variables: (n) => ({ id: somePost(n) }) },
      },
    },
    {
      name: 'list',
      signedIn: false,
      variants: categories,
      words: {
        lyceum: {
          query: `query List($category: String!) { answer: entries(first: 10, filter: { category: $category }) { edges { node { id title createdAt author { ${AUTHOR} } } } } }`,
          variables: (n) => ({ category: category(n) }),
        },
        postgraphile: {
          query: `query List($category: String!) { allCategories(condition: { slug: $category }) { nodes {
            answer: entriesByCategoryId(first: 10, condition: { isPublic: true }, ${NEWEST}) { edges { node { id title createdAt author: userByAuthorId { ${AUTHOR} } } } } } } }`,
          variables: (n) => ({ category: category(n) }),
        },
        mercurius: {
          query: `query List($category: String!) { answer: entries(first: 10, category: $category) { id title createdAt author { ${AUTHOR} } } }`,
          variables: (n) => ({ category: category(n) }),
        },
        bare: { query: 'list', variables: (n) => ({ category: category(n) }) },
      },
    },
    {
      name: 'nested',
      signedIn: false,
      variants: VARIANTS,
      words: {
        lyceum: {
          query: `query Nested($after: String) { answer: posts(first: 20, after: $after) { edges { node { id body createdAt author { ${AUTHOR} }
            comments(first: 3) { edges { node { id body author { ${AUTHOR} } } } } } } } }`,
          variables: (n, cursors) => ({ after: cursors[n] }),
          cursors: `{ posts(first: ${VARIANTS}) { edges { cursor } } }`,
        },
        postgraphile: {
          query: `query Nested($after: Cursor) { answer: allPosts(first: 20, after: $after, condition: { deletedAt: null }, ${NEWEST}) { edges { node {
            id body createdAt author: userByAuthorId { ${AUTHOR} }
            comments: commentsByPostId(first: 3, orderBy: SEQ_ASC) { edges { node { id body author: userByAuthorId { ${AUTHOR} } } } } } } } }`,
          variables: (n, cursors) => ({ after: cursors[n] }),
          cursors: `{ allPosts(first: ${VARIANTS}, condition: { deletedAt: null }, ${NEWEST}) { edges { cursor } } }`,
        },
        mercurius: {
          query: `query Nested($after: String) { answer: posts(first: 20, after: $after) { id body createdAt author { ${AUTHOR} }
            comments(first: 3) { id body author { ${AUTHOR} } } } }`,
          variables: (n) => ({ after: afterNewest(n) }),
        },
        bare: { query: 'nested', variables: (n) => ({ after: afterNewest(n) }) },
      },
    },
    {
      name: 'feed',
      signedIn: true,
      variants: viewers,
      words: {
        lyceum: {
          query: `query Feed { answer: feed(first: 20) { edges { node { id body createdAt likeCount commentCount viewerHasLiked author { ${AUTHOR} } } } } }`,
        },
        postgraphile: {
          query: `query Feed { answer: feed(most: 20) { edges { node { id body createdAt likeCount commentCount viewerHasLiked author: userByAuthorId { ${AUTHOR} } } } } }`,
        },
        mercurius: {
          query: `query Feed { answer: feed(first: 20) { id body createdAt likeCount commentCount viewerHasLiked author { ${AUTHOR} } } }`,
        },
        bare: { query: 'feed' },
      },
    },
    {
      name: 'inbox',
      signedIn: true,
      variants: viewers,
      words: {
        lyceum: {
          query: `query Inbox { me { answer: conversations(first: 50) { edges { node { id title lastMessageAt unreadCount
            messages(last: 1) { edges { node { id body createdAt author { id displayName } } } } } } } } }`,
        },
        postgraphile: {
          query: `query Inbox { answer: inbox(most: 50) { edges { node { id title lastMessageAt unreadCount
            messages: messagesByConversationId(last: 1, orderBy: SEQ_ASC) { edges { node { id body createdAt author: userByAuthorId { id displayName } } } } } } } }`,
        },
        mercurius: {
          query: `query Inbox { answer: conversations(first: 50) { id title lastMessageAt unreadCount
            messages(last: 1) { id body createdAt author { id displayName } } } }`,
        },
        bare: { query: 'inbox' },
      },
    },
  ];
};

/** The questions of the issue, or others with other names, arguments and fields. */
export const readsOf = (shape: 'main' | 'other', amounts: Amounts): readonly Read[] =>
  shape === 'main' ? mainReads(amounts) : otherReads(amounts);
