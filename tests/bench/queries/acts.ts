/** What is written, in the words of each schema. */
import { idOf, type Amounts } from './seed.js';
import { globalId, type Read } from './words.js';

/** As many at a time are made ready; no turn is long enough for more. */
const READY = 6_000;
const BODY = 'What do they do at night?';

export const actsOf = ({ posts, viewers, conversations }: Amounts): readonly Read[] => {
  /** A conversation of the viewer at the same place. */
  const someConversation = (n: number): string =>
    idOf('conversation', (n % viewers) * conversations + (Math.floor(n / viewers) % conversations));
  /** With the viewer at the same place, no pair comes twice before each viewer has liked each post. */
  const somePost = (n: number): string => idOf('post', (n + Math.floor(n / posts)) % posts);
  return [
    {
      name: 'sendMessage',
      signedIn: true,
      variants: READY,
      words: {
        lyceum: {
          query: `mutation Send($id: ID!, $body: String!) { answer: sendMessage(input: { conversationId: $id, body: $body }) { cursor message { id seq } } }`,
          variables: (n) => ({ id: globalId('Conversation', someConversation(n)), body: BODY }),
        },
        postgraphile: {
          query: `mutation Send($id: UUID!, $body: String!) { answer: sendMessage(input: { conversation: $id, body: $body }) { result } }`,
          variables: (n) => ({ id: someConversation(n), body: BODY }),
        },
        mercurius: {
          query: `mutation Send($id: ID!, $body: String!) { answer: sendMessage(conversationId: $id, body: $body) { cursor message { id seq } } }`,
          variables: (n) => ({ id: someConversation(n), body: BODY }),
        },
        bare: { query: 'sendMessage', variables: (n) => ({ id: someConversation(n), body: BODY }) },
      },
    },
    {
      name: 'likePost',
      signedIn: true,
      variants: READY,
      words: {
        lyceum: {
          query: `mutation Like($id: ID!) { answer: likePost(input: { postId: $id }) { likeCount } }`,
          variables: (n) => ({ id: globalId('Post', somePost(n)) }),
        },
        postgraphile: {
          query: `mutation Like($id: UUID!) { answer: likePost(input: { post: $id }) { result } }`,
          variables: (n) => ({ id: somePost(n) }),
        },
        mercurius: {
          query: `mutation Like($id: ID!) { answer: likePost(postId: $id) { likeCount } }`,
          variables: (n) => ({ id: somePost(n) }),
        },
        bare: { query: 'likePost', variables: (n) => ({ id: somePost(n) }) },
      },
    },
  ];
};
