import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { leaveConversation } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aPost } from '../kit/factories.js';
import { openRawSocket, type RawMessage, type RawSocket } from '../kit/raw-socket.js';
import { createTalk, type Talk } from '../kit/talk.js';

const MESSAGES = 'subscription ($id: ID!, $after: String) { messageAdded(conversationId: $id, after: $after) { message { body } } }';
const LIKES = 'subscription ($id: ID!) { likeCountChanged(postId: $id) { count version } }';
/** What differs in each run: ids, cursors, tokens and times. */
const OPAQUE = /^[\w.:=+/-]{20,}$/;

let app: TestApp;
let talk: Talk;
let ada: TestUser;
let ben: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  talk = createTalk(app);
  [ada, ben] = [await app.user('ada'), await app.user('ben')];
});
afterAll(() => app.stop());

/** JSON in one line, with spaces where people put them, and `…` for what is opaque. Cursors are numbered, since they come back as `after`. */
const createShortening = (): ((value: unknown) => string) => {
  const cursors: string[] = [];
  const show = (value: unknown, key = ''): string => {
    if (Array.isArray(value)) return `[${value.map((each) => show(each)).join(', ')}]`;
    if (typeof value === 'object' && value !== null)
      return `{ ${Object.entries(value)
        .map(([name, each]) => `${JSON.stringify(name)}: ${show(each, name)}`)
        .join(', ')} }`;
    if (typeof value !== 'string' || !OPAQUE.test(value)) return JSON.stringify(value);
    if (key !== 'cursor' && key !== 'after') return '"…"';
    if (!cursors.includes(value)) cursors.push(value);
    return `"…${cursors.indexOf(value) + 1}"`;
  };
  return show;
};

/** The lines of a run: `>` is sent by the client, `<` by the server, and `#` happens elsewhere. */
const createTranscript = () => {
  const lines: string[] = [];
  const show = createShortening();
  const open = async (): Promise<RawSocket> => {
    const { send, next, ...raw } = await openRawSocket(app.url);
    return {
      ...raw,
      send: (message) => {
        lines.push(`> ${show(message)}`);
        send(message);
      },
      next: async () => {
        const message = await next();
        lines.push(`< ${show(message)}`);
        return message;
      },
    };
  };
  return { lines, open, note: (text: string) => void lines.push(`# ${text}`) };
};

const cursorOf = ({ payload }: RawMessage): string | undefined => (payload as { extensions?: { cursor?: string } }).extensions?.cursor;

/** The transcript that stands in the protocol. */
const written = (): string | undefined =>
  /^## A transcript\n[\s\S]*?^```text\n([\s\S]*?)^```$/m.exec(readFileSync('src/realtime/PROTOCOL.md', 'utf8'))?.[1];

/** What the client of the transcript does, and who speaks meanwhile. */
const createScene = async () => {
  const { lines, open, note } = createTranscript();
  const { id, cursor: start } = await talk.group(ada, [ben]);
  const say = async (body: string): Promise<void> => {
    note(`ben sends "${body}"`);
    await talk.send(ben, id, body);
  };
  const greet = async (): Promise<RawSocket> => {
    const socket = await open();
    socket.send({ type: 'connection_init', payload: { accessToken: ada.token } });
    await socket.next();
    return socket;
  };
  const follow = (socket: RawSocket, after: string | undefined): void =>
    socket.send({ id: '1', type: 'subscribe', payload: { query: MESSAGES, variables: { id, after } } });
  return { lines, note, id, start, say, greet, follow };
};

it('the transcript in PROTOCOL.md is what a server and a bare socket say', async () => {
  const { lines, note, id, start, say, greet, follow } = await createScene();
  const first = await greet();
  follow(first, start);
  await say('One');
  await first.next();
  await say('Two');
  const seen = cursorOf(await first.next());
  note('the connection is cut');
  first.socket.terminate();
  await first.closed;
  await say('Three');

  const second = await greet();
  follow(second, seen);
  await second.next();
  await say('Four');
  await second.next();

  const post = await aPost(app, ben);
  second.send({ id: '2', type: 'subscribe', payload: { query: LIKES, variables: { id: post.id } } });
  await second.next();
  second.send({ id: '2', type: 'complete' });

  note('ada leaves the conversation, elsewhere');
  await leaveConversation(app, ada, id);
  await second.next();

  second.send({ id: '3', type: 'subscribe', payload: { query: '{ me { user { username } } }' } });
  await second.next();
  await second.next();
  second.socket.close();

  expect(written()).toBe(`${lines.join('\n')}\n`);
});
