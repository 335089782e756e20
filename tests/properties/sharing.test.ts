import fc from '../kit/cases.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// Before the app.
import '../kit/extra-fields.js';
import { commentCursorOf, cursorOf, joinRoom, like, unlike } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import type { GraphQLError, GraphQLResponse, TestSocket, TestSubscription } from '../kit/client.js';
import { aComment, aFollow, aMessage, aPost, aRoom } from '../kit/factories.js';
import { present } from '../kit/graphql.js';

/** A field that is selected; `conditional` ones only where the subscriber's `$flag` says so. */
interface Field {
  readonly name: string;
  readonly conditional: boolean;
  readonly children: readonly Field[];
}

/** What may be asked of each type: some of it is the same for everyone, some depends on the viewer, and some says so with an error. */
const FIELDS: Readonly<Record<string, readonly (string | readonly [name: string, type: string])[]>> = {
  User: ['username', 'displayName', 'role', 'viewerFollows', 'seenBy', 'forModerators'],
  Post: ['body', 'likeCount', 'commentCount', 'viewerHasLiked', ['author', 'User']],
  Comment: ['body', ['author', 'User'], ['post', 'Post']],
  Conversation: ['title', 'kind', 'memberCount', 'joinCode', 'unreadCount', 'lastReadSeq', 'lastReadCursor', 'cursor'],
  Message: ['body', 'seq', ['author', 'User'], ['conversation', 'Conversation']],
};

const selectionOf = (type: string): fc.Arbitrary<readonly Field[]> =>
  fc.subarray([...(FIELDS[type] ?? [])], { minLength: 1 }).chain((chosen) =>
    fc.tuple(
      ...chosen.map((field) => {
        const [name, inner] = typeof field === 'string' ? [field, null] : field;
        return fc.record({
          name: fc.constant(name),
          conditional: fc.boolean(),
          children: inner === null ? fc.constant([]) : selectionOf(inner),
        });
      }),
    ),
  );

const textOf = (fields: readonly Field[]): string =>
  fields
    .map(
      ({ name, conditional, children }) =>
        `${name}${conditional ? ' @include(if: $flag)' : ''}${children.length > 0 ? ` { ${textOf(children)} }` : ''}`,
    )
    .join(' ');

/** The streams: how each is followed, what of its events is compared with `node(id)`, and how something happens in it. */
const STREAMS = {
  comments: { root: 'commentAdded(postId: $id, after: $after)', field: 'comment', type: 'Comment' },
  likes: { root: 'likeCountChanged(postId: $id)', field: 'post', type: 'Post' },
  messages: { root: 'messageAdded(conversationId: $id, after: $after)', field: 'message', type: 'Message' },
} as const;
type StreamName = keyof typeof STREAMS;

/** The same selection may be written in several ways, which share. */
const WRITINGS = {
  plain: (root: string, field: string, _type: string, text: string) =>
    `subscription ($id: ID!, $after: String, $flag: Boolean!) { event: ${root} { ${field} { id ${text} } } }`,
  fragment: (root: string, field: string, type: string, text: string) =>
    `fragment Told on ${type} { id ${text} } subscription Follow($after: String, $flag: Boolean = false, $id: ID!) { event: ${root} { ${field} { ...Told } } }`,
} as const;
// A variable that is declared must be used, and a state takes no cursor.
const written = (stream: StreamName, writing: keyof typeof WRITINGS, fields: readonly Field[]): string => {
  const { root, field, type } = STREAMS[stream];
  const document = WRITINGS[writing](root, field, type, `${textOf(fields)} again: id @include(if: $flag)`);
  return stream === 'likes' ? document.replace('$after: String, ', '') : document;
};

interface Event {
  readonly event: Readonly<Record<string, { readonly id: string } | undefined>>;
}

const VIEWERS = ['anyone', 'ada', 'ben', 'carl', 'mod'] as const;
type ViewerName = (typeof VIEWERS)[number];
const MEMBERS: readonly ViewerName[] = ['ada', 'ben', 'mod'];

let app: TestApp;
const users = new Map<ViewerName, TestUser>();
const sockets = new Map<ViewerName, TestSocket>();
let post: string;
let room: string;
let quiet: { readonly groups: number; readonly subscribers: number };

const as = (name: ViewerName): TestUser | undefined => users.get(name);
/** One of those who are signed in. */
const user = (name: ViewerName): TestUser => present(as(name));
const socketOf = (name: ViewerName): TestSocket => sockets.get(name) as TestSocket;

beforeAll(async () => {
  app = await startTestApp({ env: { STATE_MIN_INTERVAL_MS: '0' } });
  for (const name of ['ada', 'ben', 'carl'] as const) users.set(name, await app.user(name));
  users.set('mod', await app.userWithRole('mod', 'MODERATOR'));
  for (const name of VIEWERS) sockets.set(name, app.connect(as(name)));
  await Promise.all([...sockets.values()].map(({ opened }) => opened));

  ({ id: post } = await aPost(app, user('ada')));
  const { id, joinCode } = await aRoom(app, user('ada'));
  room = id;
  for (const name of ['ben', 'mod'] as const) await joinRoom(app, user(name), joinCode);
  const follows: [ViewerName, ViewerName][] = [
    ['ben', 'ada'],
    ['carl', 'ada'],
    ['carl', 'ben'],
    ['mod', 'ben'],
    ['ada', 'mod'],
  ];
  for (const [who, whom] of follows) await aFollow(app, user(who), user(whom));
  quiet = app.services.hub.stats();
});
afterAll(() => app.stop());

const placeOf = async (stream: StreamName): Promise<string | null> => {
  if (stream === 'likes') return null;
  return await (stream === 'comments' ? commentCursorOf(app, post) : cursorOf(app, user('ada'), room));
};

let liked = false;
const happen = async (stream: StreamName, actor: ViewerName): Promise<unknown> => {
  if (stream === 'comments') return await aComment(app, user(actor), post);
  if (stream === 'messages') return await aMessage(app, user(actor), room);
  // Always the same one, so that each changes the count; and the author, who is not notified of it: what a notification costs depends on
  // how long ago the last one was.
  liked = !liked;
  return await (liked ? like : unlike)(app, user('ada'), post);
};

const told = (errors: readonly GraphQLError[] = [], depth: number): unknown[] =>
  errors
    .map(({ message, path = [], extensions }) => ({ message, path: path.slice(depth).join('.'), code: extensions?.['code'] }))
    .sort((a, b) => a.path.localeCompare(b.path));

/** What came of an event must be what its viewer gets who asks alone. */
const expectOwn = async (
  stream: StreamName,
  name: ViewerName,
  fields: readonly Field[],
  flag: boolean,
  result: GraphQLResponse<Event>,
): Promise<void> => {
  const { field, type } = STREAMS[stream];
  const shown = result.data?.event[field];
  const alone = await app.execute<{ node: unknown }>(
    `query ($id: ID!, $flag: Boolean!) { node(id: $id) { ... on ${type} { id ${textOf(fields)} again: id @include(if: $flag) } } }`,
    { id: shown?.id, flag },
    as(name),
  );
  expect({ shown, errors: told(result.errors, 2) }).toEqual({ shown: alone.data?.node, errors: told(alone.errors, 1) });
};

interface Subscriber {
  readonly viewer: ViewerName;
  readonly document: number;
  readonly writing: keyof typeof WRITINGS;
  readonly flag: boolean;
}

const subscribers = fc.array(
  fc.record<Subscriber>({
    viewer: fc.constantFrom(...VIEWERS),
    document: fc.constantFrom(0, 0, 1),
    writing: fc.constantFrom('plain', 'fragment'),
    flag: fc.boolean(),
  }),
  { minLength: 2, maxLength: 8 },
);

describe('Sharing', () => {
  it('H11: whoever selects whatever, nobody ever sees a result that is not their own', async () => {
    const scenario = fc.constantFrom<StreamName>('comments', 'likes', 'messages').chain((stream) =>
      fc.record({
        stream: fc.constant(stream),
        documents: fc.tuple(selectionOf(STREAMS[stream].type), selectionOf(STREAMS[stream].type)),
        subscribers,
        actor: fc.constantFrom<ViewerName>('ada', 'ben', 'mod'),
      }),
    );
    await fc.assert(
      fc.asyncProperty(scenario, async ({ stream, documents, subscribers: all, actor }) => {
        const after = await placeOf(stream);
        const following: { readonly who: Subscriber; readonly fields: readonly Field[]; readonly results: TestSubscription<Event> }[] = [];
        const compare = async (): Promise<void> => {
          const seen = await Promise.all(following.map(async (each) => ({ ...each, result: await each.results.next() })));
          await Promise.all(seen.map(({ who, fields, result }) => expectOwn(stream, who.viewer, fields, who.flag, result)));
        };
        try {
          for (const who of all) {
            const fields = documents[who.document] ?? [];
            const variables = { id: stream === 'messages' ? room : post, flag: who.flag, ...(after === null ? {} : { after }) };
            const results = socketOf(who.viewer).subscribe<Event>(written(stream, who.writing, fields), variables);
            if (stream === 'messages' && !MEMBERS.includes(who.viewer)) {
              expect((await results.next()).errors?.[0]?.extensions?.['code']).toBe(
                who.viewer === 'anyone' ? 'UNAUTHENTICATED' : 'NOT_FOUND',
              );
            } else following.push({ who, fields, results });
          }
          // A state begins with what is there.
          if (stream === 'likes') await compare();
          await happen(stream, actor);
          await compare();
        } finally {
          for (const { results } of following) results.stop();
        }
        await expect.poll(() => app.services.hub.stats()).toEqual(quiet);
      }),
      { numRuns: 60 },
    );
  });

  it('H11: a field that reads the viewer, forgets everything else and hides the error splits the group at its first event', async () => {
    const document = written('comments', 'plain', [
      { name: 'author', conditional: false, children: [{ name: 'seenBy', conditional: false, children: [] }] },
    ]);
    const after = await placeOf('comments');
    const following = VIEWERS.map((name) => ({
      name,
      results: socketOf(name).subscribe<Event>(document, { id: post, after, flag: false }),
    }));
    await happen('comments', 'ada');
    for (const { name, results } of following) {
      const role = name === 'anyone' ? 'nobody' : name === 'mod' ? 'MODERATOR' : 'MEMBER';
      expect((await results.data()).event['comment']).toMatchObject({ author: { seenBy: `ada seen by ${name} as ${role}` } });
      results.stop();
    }
    await expect.poll(() => app.services.hub.stats()).toEqual(quiet);
  });

  it('what reads no viewer is made once, however many follow it and however they write it', async () => {
    const fields: readonly Field[] = [
      { name: 'author', conditional: true, children: [{ name: 'username', conditional: false, children: [] }] },
    ];
    const cost = async (count: number): Promise<number> => {
      const following = Array.from({ length: count }, (_, n) =>
        socketOf(VIEWERS[n % VIEWERS.length] ?? 'anyone').subscribe<Event>(written('likes', n % 2 === 0 ? 'plain' : 'fragment', fields), {
          id: post,
          flag: true,
        }),
      );
      await Promise.all(following.map(({ data }) => data()));
      const statements = await app.countStatements(async () => {
        await happen('likes', 'ada');
        await Promise.all(following.map(({ data }) => data()));
      });
      for (const { stop } of following) stop();
      await expect.poll(() => app.services.hub.stats()).toEqual(quiet);
      return statements.length;
    };
    await cost(1);
    expect(await cost(25)).toBe(await cost(1));
  });
});
