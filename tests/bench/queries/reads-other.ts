/**
 * The same kinds of question with other names, aliases, arguments, fields, fragments and sizes: whoever answers the first ones fast by
 * knowing them is found out here. The bare server has no words for these.
 */
import { idOf, type Amounts } from './seed.js';
import { globalId, nodeId, VARIANTS, type Read } from './words.js';

export const otherReads = ({ entries, categories, users, viewers }: Amounts): readonly Read[] => {
  const someEntry = (n: number): string => idOf('entry', ((n * 991) % (entries - 1)) + (((n * 991) % (entries - 1)) % 50 === 0 ? 1 : 0));
  const username = (n: number): string => `user${viewers + ((n * 31) % (users - viewers))}`;
  return [
    {
      name: 'hello',
      signedIn: false,
      variants: 1,
      words: Object.fromEntries(
        (['lyceum', 'postgraphile', 'mercurius', 'yoga'] as const).map((dialect) => [
          dialect,
          { query: 'query Kind { answer: __typename again: __typename ...more } fragment more on Query { third: __typename }' },
        ]),
      ),
    },
    {
      name: 'node',
      signedIn: false,
      variants: VARIANTS,
      words: {
        lyceum: {
          query: `query Page($which: ID!) { answer: entry(id: $which) { key: id heading: title slug tags version text: content writer: author { displayName bio } } }`,
          variables: (n) => ({ which: globalId('Entry', someEntry(n)) }),
        },
        postgraphile: {
          query: `query Page($which: ID!) { answer: entry(id: $which) { key: id heading: title slug tags version text: content writer: userByAuthorId { displayName bio } } }`,
          variables: (n) => ({ which: nodeId('Entry', someEntry(n)) }),
        },
        mercurius: {
          query: `query Page($which: ID!) { answer: entry(id: $which) { key: id heading: title slug tags version text: content writer: author { displayName bio } } }`,
          variables: (n) => ({ which: someEntry(n) }),
        },
      },
    },
    {
      name: 'list',
      signedIn: false,
      variants: categories,
      words: {
        lyceum: {
          query: `query Shelf($where: EntryFilter, $n: Int!) { answer: entries(filter: $where, first: $n, orderBy: OLDEST) { nodes { ...card } } }
            fragment card on Entry { key: id slug tags likeCount changed: updatedAt by: author { username bio } }`,
          variables: (n) => ({ where: { category: `Category ${n % categories}` }, n: 25 }),
        },
        postgraphile: {
          query: `query Shelf($where: CategoryCondition, $n: Int!) { allCategories(condition: $where) { nodes {
              answer: entriesByCategoryId(first: $n, condition: { isPublic: true }, orderBy: [CREATED_AT_ASC, ROW_ID_ASC]) { nodes { ...card } } } } }
            fragment card on Entry { key: id slug tags likeCount changed: updatedAt by: userByAuthorId { username bio } }`,
          variables: (n) => ({ where: { name: `Category ${n % categories}` }, n: 25 }),
        },
        mercurius: {
          query: `query Shelf($where: String!, $n: Int!) { answer: entries(first: $n, category: $where, oldest: true) { ...card } }
            fragment card on Entry { key: id slug tags likeCount changed: updatedAt by: author { username bio } }`,
          variables: (n) => ({ where: `category-${n % categories}`, n: 25 }),
        },
      },
    },
    {
      name: 'nested',
      signedIn: false,
      variants: VARIANTS,
      words: {
        lyceum: {
          query: `query Wall($name: String!) { user(username: $name) { answer: posts(first: 12) { nodes { key: id body commentCount
            talk: comments(first: 5) { nodes { key: id body createdAt who: author { username } } } } } } }`,
          variables: (n) => ({ name: username(n) }),
        },
        postgraphile: {
          query: `query Wall($name: String!) { allUsers(condition: { usernameKey: $name }) { nodes {
            answer: postsByAuthorId(first: 12, condition: { deletedAt: null }, orderBy: [CREATED_AT_DESC, ROW_ID_DESC]) { nodes { key: id body commentCount
              talk: commentsByPostId(first: 5, orderBy: SEQ_ASC) { nodes { key: id body createdAt who: userByAuthorId { username } } } } } } } }`,
          variables: (n) => ({ name: username(n) }),
        },
        mercurius: {
          query: `query Wall($name: String!) { user(username: $name) { answer: posts(first: 12) { key: id body commentCount
            talk: comments(first: 5) { key: id body createdAt who: author { username } } } } }`,
          variables: (n) => ({ name: username(n) }),
        },
      },
    },
    {
      name: 'feed',
      signedIn: true,
      variants: viewers,
      words: {
        lyceum: {
          query: `query Home($n: Int!) { answer: feed(first: $n) { nodes { key: id text: body mine: viewerHasLiked
            talk: comments(first: 2) { nodes { body } } } } }`,
          variables: () => ({ n: 35 }),
        },
        postgraphile: {
          query: `query Home($n: Int!) { answer: feed(most: $n) { nodes { key: id text: body mine: viewerHasLiked
            talk: commentsByPostId(first: 2, orderBy: SEQ_ASC) { nodes { body } } } } }`,
          variables: () => ({ n: 35 }),
        },
        mercurius: {
          query: `query Home($n: Int!) { answer: feed(first: $n) { key: id text: body mine: viewerHasLiked talk: comments(first: 2) { body } } }`,
          variables: () => ({ n: 35 }),
        },
      },
    },
    {
      name: 'inbox',
      signedIn: true,
      variants: viewers,
      words: {
        lyceum: {
          query: `query Rooms { me { answer: conversations(first: 30) { nodes { key: id unread: unreadCount
            recent: messages(last: 3) { nodes { seq body } } } } } }`,
        },
        postgraphile: {
          query: `query Rooms { answer: inbox(most: 30) { nodes { key: id unread: unreadCount
            recent: messagesByConversationId(last: 3, orderBy: SEQ_ASC) { nodes { seq body } } } } }`,
        },
        mercurius: {
          query: `query Rooms { answer: conversations(first: 30) { key: id unread: unreadCount recent: messages(last: 3) { seq body } } }`,
        },
      },
    },
  ];
};
