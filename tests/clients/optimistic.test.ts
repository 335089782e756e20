import { randomUUID } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from '@urql/core';
import { OperationTypeNode } from 'graphql';
import type { Client } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createResumingClient } from '../../src/client/resuming-client.js';
import type { OptimisticCommentFragment } from '../generated/texts/graphql.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { deferred } from '../kit/deferred.js';
import { aComment, aPost } from '../kit/factories.js';
import { graphql, parsed, type ResultOf } from '../kit/graphql.js';
import { startProxy } from '../kit/proxy.js';

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
});
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => app.stop());

// As Apollo asks it, which adds `__typename` wherever it is not.
graphql(`
  fragment OptimisticComment on Comment {
    __typename
    id
    clientId
    body
  }
`);
const LIST = parsed(
  graphql(`
    query OptimisticList($id: ID!) {
      post(id: $id) {
        __typename
        id
        comments(last: 100) {
          __typename
          edges {
            __typename
            node {
              ...OptimisticComment
            }
          }
        }
      }
    }
  `),
);
const ADD = parsed(
  graphql(`
    mutation OptimisticAdd($id: ID!, $body: String!, $clientId: String) {
      addComment(input: { postId: $id, body: $body, clientId: $clientId }) {
        __typename
        comment {
          ...OptimisticComment
        }
      }
    }
  `),
);
const ADDED = parsed(
  graphql(`
    subscription OptimisticAdded($id: ID!, $after: String) {
      commentAdded(postId: $id, after: $after) {
        __typename
        comment {
          ...OptimisticComment
        }
      }
    }
  `),
);

type Comment = OptimisticCommentFragment;
type Comments = ResultOf<typeof LIST>;

/** The whole recipe: an item takes the place of the one that it is (its id) or was awaited as (its `clientId`); otherwise it is new. */
const merge = (list: readonly Comment[], comment: Comment): readonly Comment[] => {
  const at = list.findIndex(({ id, clientId }) => id === comment.id || (clientId !== null && clientId === comment.clientId));
  return at < 0 ? [...list, comment] : list.with(at, comment);
};

const awaited = (clientId: string, body: string): Comment => ({ __typename: 'Comment', id: `awaited:${clientId}`, clientId, body });

/** A list of comments on a screen. */
interface Screen {
  /** Every list that was shown, the last one last. */
  readonly shown: readonly (readonly Comment[])[];
  /** Resolves as soon as a list like this is shown. */
  readonly until: (fits: (list: readonly Comment[]) => boolean) => Promise<unknown>;
  /** Resolves when an event has been put into the list. */
  readonly heard: Promise<undefined>;
  /** Resolves with the mutation's answer. */
  readonly add: (body: string, clientId: string) => Promise<unknown>;
}

const createScreen = () => {
  const shown: (readonly Comment[])[] = [];
  const waiting = new Set<() => void>();
  const event = deferred<undefined>();
  return {
    shown,
    heard: event.promise,
    hear: (): void => event.resolve(undefined),
    show: (list: readonly Comment[]): void => {
      shown.push(list);
      for (const look of [...waiting]) look();
    },
    until: (fits: (list: readonly Comment[]) => boolean): Promise<unknown> =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (!fits(shown.at(-1) ?? [])) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
};

/** Where answers of HTTP wait until they may arrive. */
type Gate = () => Promise<unknown>;

const heldFetch =
  (gate: Gate): typeof fetch =>
  async (...request) => {
    const response = await fetch(...request);
    const held = JSON.stringify(request).includes('mutation');
    if (held) await gate();
    return response;
  };

const headers = (): { readonly authorization: string } => ({ authorization: `Bearer ${ada.token}` });

const apolloScreen = async (id: string, after: string, socket: Client, gate: Gate): Promise<Screen> => {
  const screen = createScreen();
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: app.url, headers: { ...headers() }, fetch: heldFetch(gate) }),
    ),
  });
  closing.push(async () => apollo.stop());
  const put = (cache: Pick<typeof apollo.cache, 'updateQuery'>, comment: Comment): void => {
    cache.updateQuery({ query: LIST, variables: { id } }, (data) => {
      if (!data?.post) return undefined;
      const { post } = data;
      const list = merge(
        post.comments.edges.map(({ node }) => node),
        comment,
      );
      const edges = list.map((node) => ({ __typename: 'CommentEdge' as const, node }));
      return { ...data, post: { ...post, comments: { ...post.comments, edges } } };
    });
  };
  await apollo.query({ query: LIST, variables: { id } });
  const watching = apollo.watchQuery({ query: LIST, variables: { id }, fetchPolicy: 'cache-only' }).subscribe(({ data }) => {
    screen.show((data as Comments | undefined)?.post?.comments.edges.map(({ node }) => node) ?? []);
  });
  const following = apollo.subscribe({ query: ADDED, variables: { id, after } }).subscribe(({ data }) => {
    if (!data) return;
    put(apollo.cache, data.commentAdded.comment);
    screen.hear();
  });
  closing.push(async () => {
    watching.unsubscribe();
    following.unsubscribe();
  });
  return {
    ...screen,
    add: (body, clientId) =>
      apollo.mutate({
        mutation: ADD,
        variables: { id, body, clientId },
        optimisticResponse: { addComment: { __typename: 'AddCommentPayload', comment: awaited(clientId, body) } },
        update: (cache, { data }) => {
          if (data?.addComment) put(cache, data.addComment.comment);
        },
      }),
  };
};

/** urql's core keeps no lists, so the application does. */
const urqlScreen = async (id: string, after: string, socket: Client, gate: Gate): Promise<Screen> => {
  const screen = createScreen();
  const urql = new UrqlClient({
    url: app.url,
    preferGetMethod: false,
    fetch: heldFetch(gate),
    fetchOptions: () => ({ headers: { ...headers() } }),
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query, variables: variables as Record<string, unknown> }, sink as never),
          }),
        }),
      }),
    ],
  });
  const { data } = await urql.query(LIST, { id }).toPromise();
  let list: readonly Comment[] = data?.post?.comments.edges.map(({ node }) => node) ?? [];
  const put = (comment: Comment): void => {
    list = merge(list, comment);
    screen.show(list);
  };
  const following = urql.subscription(ADDED, { id, after }).subscribe(({ data: event }) => {
    if (!event) return;
    put(event.commentAdded.comment);
    screen.hear();
  });
  closing.push(async () => following.unsubscribe());
  return {
    ...screen,
    add: async (body, clientId) => {
      put(awaited(clientId, body));
      const { data: answer } = await urql.mutation(ADD, { id, body, clientId }).toPromise();
      if (answer?.addComment) put(answer.addComment.comment);
    },
  };
};

describe.each(Object.entries({ '@apollo/client': apolloScreen, '@urql/core': urqlScreen }))('%s', (_name, open) => {
  it.each(['event', 'answer'])('H25: an optimistic item stays one item when the %s comes first', async (first) => {
    const { id, commentCursor } = await aPost(app, ada);
    const answers = deferred<undefined>();
    const clientId = randomUUID();
    const proxy = await startProxy(app.url);
    closing.push(() => proxy.stop());
    // What is on its way is held where the application does not see it.
    proxy.blackHole();
    const socket = createResumingClient({
      url: proxy.url.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      getAccessToken: () => ada.token,
    });
    closing.push(async () => socket.dispose());
    const screen = await open(id, commentCursor, socket, () => answers.promise);

    const answered = screen.add('Hello', clientId);
    await screen.until((list) => list[0]?.id === `awaited:${clientId}`);
    const isThere = (list: readonly Comment[]): boolean => list[0]?.body === 'Hello' && !list[0].id.startsWith('awaited:');
    if (first === 'answer') {
      answers.resolve(undefined);
      await screen.until(isThere);
      await proxy.resume();
    } else {
      await proxy.resume();
      // Apollo goes on showing the awaited list over what the event has brought, until the answer is there.
      await screen.heard;
      answers.resolve(undefined);
    }
    await answered;
    await aComment(app, ben, id, { body: 'From another' });
    await screen.until((list) => isThere(list) && list.length > 1);
    expect(screen.shown.at(-1)?.map(({ body }) => body)).toEqual(['Hello', 'From another']);
    for (const list of screen.shown) expect(list.filter(({ body }) => body === 'Hello').length).toBeLessThan(2);
  });
});
