/**
 * `npm run bench:web`: the web client in a real browser. A room of 10,000 messages scrolled from its newest to its oldest and back; a burst of 200 messages
 * a second for ten seconds while somebody types and somebody else reads further up; and from the keypress in one browser to the pixels in another, beside the API's own way from
 * sending to receiving in the same run. `--messages=n`, `--rate=n`, `--seconds=n` and `--samples=n` take other numbers, `--only=burst` one part (`scroll`,
 * `burst`, `pixels`). The burst is sent first with nobody looking: what then is less than the rate is the server's doing, or the machine's, and not the browsers'.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded.js';
import { createLog } from '../../src/observability/log.js';
import { apiAt } from '../kit/api.js';
import { PASSWORD, Register, type TestUser } from '../kit/app.js';
import { findChromium, launchBrowser } from '../kit/browser.js';
import { connect } from '../kit/client.js';
import { aGroup, aMessage } from '../kit/factories.js';
import { present } from '../kit/graphql.js';
import { urlOf } from '../kit/postgres-address.js';
import { startServerProcess } from '../kit/process.js';
import { signedIn } from '../web/signed-in.js';
import type { BurstSender } from './burst-sender.js';
import { startChild } from './child.js';
import { median, quantile, short, table } from './figures.js';
import { spending, type Spent } from './spent.js';
import { ANCHOR, FOLLOW, heldStill, PAINTED, STEP, WATCH } from './web-page.js';
import { keepResults } from './world.js';

const option = (name: string, fallback: number): number =>
  Number(new RegExp(`--${name}=(\\d+)`).exec(process.argv.join(' '))?.[1] ?? fallback);
const MESSAGES = option('messages', 10_000);
const RATE = option('rate', 200);
const SECONDS = option('seconds', 10);
const SAMPLES = option('samples', 50);
/** Only one of the three parts. */
const ONLY = /--only=(scroll|burst|pixels)/.exec(process.argv.join(' '))?.[1];
const isAsked = (part: string): boolean => ONLY === undefined || ONLY === part;
/** How many messages are on their way at a time while the room is filled. */
const AT_ONCE = 16;
/** Between two keys of somebody who types fast, in milliseconds. */
const KEY_MS = 60;

const chromium = findChromium();
if (chromium === null) throw new Error('This needs a Chromium: install one, or set CHROMIUM_PATH.');

const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-bench-web-'));
const postgres = await startEmbeddedPostgres({ dataDir, log: createLog('silent'), durable: false });
const server = await startServerProcess({
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  LOG_LEVEL: 'warn',
  DATA_DIR: dataDir,
  DATABASE_URL: urlOf(postgres.address),
  JWT_ACCESS_TTL_SECONDS: '86400',
  RATE_LIMIT_FACTOR: '0',
  MAX_SOCKETS_PER_ADDRESS: '100000',
  MAX_CONNECTIONS_PER_ADDRESS: '100000',
  MAX_OPERATIONS_PER_ADDRESS: '1000000',
  MAX_COST_PER_VIEWER: '1000000000',
  MAX_COST_PER_ADDRESS: '1000000000',
  MAX_EVENT_COST: '1000000000',
});
const api = apiAt(server.url);
const { origin } = new URL(server.url);
const [first, second] = [await launchBrowser(chromium), await launchBrowser(chromium)];

const figures: (readonly [what: string, value: number])[] = [];
const note = (what: string, value: number): void => {
  figures.push([what, value]);
  console.log(`${what}: ${short(value)}`);
};

const user = async (username: string): Promise<TestUser> => {
  const { register } = await api.data(Register, { input: { username, email: `${username}@example.com`, password: PASSWORD } });
  const { accessToken: token, refreshToken } = register.credentials;
  return { id: register.user.id, username, token, refreshToken: present(refreshToken) };
};

interface Opened {
  readonly page: Page;
  readonly devtools: CDPSession;
}

const open = async (browser: Browser, as: TestUser, conversation: string): Promise<Opened> => {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 900 }, locale: 'en', ...signedIn(origin, as) });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  await page.addInitScript(WATCH);
  await page.goto(new URL(`/messages/${encodeURIComponent(conversation)}`, origin).href);
  await page.getByTestId('history').locator('article').last().waitFor();
  return { page, devtools: await context.newCDPSession(page) };
};

/** What is held after everything that nobody reaches has gone, in megabytes. */
const heap = async ({ devtools }: Opened): Promise<number> => {
  for (let round = 0; round < 3; round += 1) await devtools.send('HeapProfiler.collectGarbage');
  return (await devtools.send('Runtime.getHeapUsage')).usedSize / 1e6;
};
const elements = ({ page }: Opened): Promise<number> => page.evaluate<number>('document.querySelectorAll("*").length');

interface Watched {
  readonly wheels: number;
  readonly keys: number;
  readonly longTasks: number;
  readonly longest: number;
  readonly slowestInput: number;
}
const watched = ({ page }: Opened): Promise<Watched> => page.evaluate<Watched>('window.benchTake()');

const noteWatched = (of: string, { longTasks, longest, slowestInput }: Watched): void => {
  note(`${of}: tasks longer than 50 ms`, longTasks);
  note(`${of}: the longest, ms`, longest);
  note(`${of}: the slowest input until it was painted, ms`, slowestInput);
};

/** Turns the wheel until an end is reached, and looks after each step where what was seen before it has come to. */
const scroll = async (of: string, opened: Opened, by: number, isThere: () => Promise<boolean>): Promise<void> => {
  const { page } = opened;
  await watched(opened);
  let [steps, jumps, worst] = [0, 0, 0];
  for (; !(await isThere()); steps += 1) {
    const before = await page.evaluate<{ readonly row: string; readonly y: number } | null>(ANCHOR);
    await page.mouse.wheel(0, by);
    const after = await page.evaluate<number | null>(heldStill(before?.row ?? ''));
    if (before === null || after === null) continue;
    const moved = before.y - after;
    // At the end of what has been read so far it stops early; it never goes further, nor the other way.
    const beyond = Math.max(0, (moved - by) * Math.sign(by), -moved * Math.sign(by));
    worst = Math.max(worst, beyond);
    if (beyond > 2) jumps += 1;
  }
  const seen = await watched(opened);
  note(`${of}: turns of the wheel`, steps);
  note(`${of}: of them not heard by the page`, steps - seen.wheels);
  note(`${of}: jumps of what is read`, jumps);
  note(`${of}: the widest, px`, worst);
  noteWatched(of, seen);
};

const scrolled = async (reader: TestUser, conversation: string): Promise<void> => {
  const opened = await open(first, reader, conversation);
  const { page } = opened;
  await page.getByTestId('history').hover();
  note('at the newest: heap, MB', await heap(opened));
  note('at the newest: elements', await elements(opened));
  await scroll('to the oldest', opened, -STEP, () => page.getByText('This is the beginning of the conversation.').isVisible());
  note('at the oldest: heap, MB', await heap(opened));
  note('at the oldest: elements', await elements(opened));
  const newest = page.getByTestId('history').getByText(`Message ${MESSAGES - 1} is the newest`);
  await scroll(
    'back to the newest',
    opened,
    STEP,
    async () => (await newest.count()) > 0 && !(await page.getByRole('button', { name: /latest|new message/ }).isVisible()),
  );
  await delay(1_000);
  note('back at the newest: heap, MB', await heap(opened));
  note('back at the newest: elements', await elements(opened));
  await page.context().close();
};

/** As many messages stand in the room of the burst before it, so that somebody can read further up. */
const BEFORE_BURST = 80;

const READ = `mutation ($id: ID!, $cursor: String!) { markRead(input: { conversationId: $id, cursor: $cursor }) { conversation { id } } }`;
const LAST = `query ($id: ID!) { conversation(id: $id) { lastMessage { body } } }`;

const noteSpent = (of: string, count: number, { process: cpu, machine }: Spent): void => {
  note(`${of}: CPU of the server, ms a message`, cpu / count);
  note(`${of}: of the machine's CPU in use, by whomever, %`, machine * 100);
};

const burst = async (reader: TestUser, writer: TestUser, conversation: string): Promise<void> => {
  const pid = server.child.pid ?? 0;
  const sender = await startChild<BurstSender>('./burst-sender.ts');
  const count = RATE * SECONDS;
  const to = { url: server.url, writer, conversation, rate: RATE };
  // What runs for the first time is compiled meanwhile.
  await sender.call('send', { ...to, count: RATE });
  const alone = await spending(pid);
  const tookAlone = await sender.call('send', { ...to, count });
  note('burst with nobody looking: a second', (count / tookAlone) * 1_000);
  noteSpent('burst with nobody looking', count, await alone());
  const opened = await open(first, reader, conversation);
  const { page } = opened;
  const aside = await open(second, reader, conversation);
  await aside.page.getByTestId('history').hover();
  for (let turn = 0; turn < 2; turn += 1) {
    await aside.page.mouse.wheel(0, -STEP);
    await aside.page.evaluate(heldStill(''));
  }
  await aside.page.evaluate(FOLLOW);
  const field = page.getByRole('textbox', { name: /^Write to/ });
  await field.focus();
  note('before the burst: heap, MB', await heap(opened));
  await watched(opened);
  const spent = await spending(pid);
  const begun = performance.now();
  const send = (): Promise<number> => sender.call('send', { ...to, count: count / 2 });
  const sending = send().then(async (first) => {
    note('in the middle of the burst: heap, MB', await heap(opened));
    return first + (await send());
  });
  let typed = '';
  while (performance.now() - begun < SECONDS * 1_000) {
    const key = 'the quick brown fox jumps over the lazy dog '.charAt(typed.length % 44);
    await page.keyboard.press(key === ' ' ? 'Space' : key);
    typed += key;
    await delay(KEY_MS);
  }
  const took = await sending;
  const both = await spent();
  // So many at once come to stand in another order than they were sent in.
  const { conversation: read } = await api.data<{ readonly conversation: { readonly lastMessage: { readonly body: string } } }>(
    LAST,
    { id: conversation },
    reader,
  );
  await page.getByTestId('history').getByText(read.lastMessage.body).waitFor();
  const behind = performance.now() - begun - took;
  const seen = await watched(opened);
  const value = await field.inputValue();
  await sender.stop();
  note('burst: messages', count);
  note('burst: a second', (count / took) * 1_000);
  noteSpent('burst', count, both);
  note('burst: the last one is seen after it was answered, ms', behind);
  note('burst: keys', typed.length);
  note('burst: of them not heard by the page', typed.length - seen.keys);
  note('burst: characters that differ in the composer', value === typed ? 0 : Math.max(1, Math.abs(typed.length - value.length)));
  noteWatched('burst', seen);
  note('burst: what is read further up moves by, px', await aside.page.evaluate<number>('window.benchMoved()'));
  note('after the burst: heap, MB', await heap(opened));
  note('after the burst: elements', await elements(opened));
  await Promise.all([page.context().close(), aside.page.context().close()]);
};

/** A room with all the messages, read to its end by one of the two. @returns its id */
const filled = async (reader: TestUser, writer: TestUser): Promise<string> => {
  const { id } = await aGroup(api, reader, [writer], 'Ten thousand');
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < MESSAGES) {
        const index = next;
        next += 1;
        await aMessage(api, index % 3 === 0 ? writer : reader, id, `Message ${index} ${'word '.repeat((index * 37) % 20)}`);
      }
    }),
  );
  // The last one is the last; all is read, so that the room opens at its end.
  const { cursor } = await aMessage(api, writer, id, `Message ${MESSAGES - 1} is the newest`);
  await api.data(READ, { id, cursor }, reader);
  return id;
};

const EVENTS = `subscription ($id: ID!) { conversationEvents(conversationId: $id) { ... on MessageAdded { message { id body author { username } } } } }`;

const pixels = async (writer: TestUser, reader: TestUser, conversation: string): Promise<void> => {
  const [from, to] = await Promise.all([open(first, writer, conversation), open(second, reader, conversation)]);
  await from.page.getByRole('textbox', { name: /^Write to/ }).focus();
  const socket = connect(server.url, reader.token);
  const events = socket.subscribe<{ readonly conversationEvents: { readonly message?: { readonly body: string } } }>(EVENTS, {
    id: conversation,
  });
  await socket.opened;
  const heard = async (body: string): Promise<void> => {
    while ((await events.data()).conversationEvents.message?.body !== body);
  };
  // It is followed when a first one arrives.
  await aMessage(api, writer, conversation, 'Ready');
  await heard('Ready');
  const [byPixels, byApi, own]: [number[], number[], number[]] = [[], [], []];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const sentAt = performance.now();
    const answered = aMessage(api, writer, conversation, `Api ${sample}`);
    await heard(`Api ${sample}`);
    byApi.push(performance.now() - sentAt);
    await answered;
    const body = `Key ${sample}`;
    await from.page.keyboard.type(body);
    const painted = to.page.evaluate<number>(`(${PAINTED})(${JSON.stringify(body)})`);
    const paintedHere = from.page.evaluate<number>(`(${PAINTED})(${JSON.stringify(body)})`);
    await from.page.keyboard.press('Enter');
    const [there, here] = [await painted, await paintedHere];
    const pressed = await from.page.evaluate<number>('window.benchPressed');
    byPixels.push(there - pressed);
    own.push(here - pressed);
    await heard(body);
  }
  await socket.close();
  note('keypress to pixels in the other browser: median, ms', median(byPixels));
  note('keypress to pixels in the other browser: p95, ms', quantile(byPixels, 0.95));
  note('keypress to pixels in the own browser: median, ms', median(own));
  note('the API from sending to receiving: median, ms', median(byApi));
  note('the API from sending to receiving: p95, ms', quantile(byApi, 0.95));
  note('pixels in the other browser, times the API', median(byPixels) / median(byApi));
  await Promise.all([from.page.context().close(), to.page.context().close()]);
};

try {
  const [ada, ben] = [await user('ada'), await user('ben')];
  if (isAsked('scroll')) await scrolled(ada, await filled(ada, ben));
  if (isAsked('burst')) {
    const busy = (await aGroup(api, ada, [ben], 'Burst')).id;
    for (let index = 0; index < BEFORE_BURST; index += 1) await aMessage(api, ada, busy, `Before ${index} ${'word '.repeat(index % 20)}`);
    await burst(ada, ben, busy);
  }
  if (isAsked('pixels')) {
    const { id } = await aGroup(api, ada, [ben], 'Pixels');
    await aMessage(api, ben, id, 'It begins');
    await pixels(ada, ben, id);
  }
  console.log(`\n${table([['the web client', ''], ...figures.map(([what, value]) => [what, short(value)])])}`);
  if (ONLY === undefined) await keepResults('web', Object.fromEntries(figures));
} finally {
  await Promise.all([first.close(), second.close()]);
  await server.end('SIGTERM');
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
