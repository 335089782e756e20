import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { describeWeb } from './kit.js';

/** As many as ten pages of the shortest: by a thousand nothing changes but how long it takes. */
const COUNT = 200;
/** More elements than this have no more rows in the page than are seen, and some before and behind them. */
const MOST_ELEMENTS = 1_500;

/** People with a post and an entry each. */
const FILL = [
  `INSERT INTO "user" (id, username, username_key, display_name, bio, created_at)
    SELECT gen_random_uuid(), 'person' || n, 'person' || n, 'Person ' || n, repeat('reads and writes ', n % 7), now() + n * interval '1 minute'
    FROM generate_series(1, ${COUNT}) n`,
  `INSERT INTO post (id, body, author_id, created_at)
    SELECT gen_random_uuid(), 'Post ' || n || ' ' || repeat('says a little more ', n % 40), id, now() - n * interval '1 minute'
    FROM generate_series(1, ${COUNT}) n JOIN "user" ON username = 'person' || n`,
  `INSERT INTO entry (id, title, slug, content, tags, author_id, created_at, updated_at)
    SELECT gen_random_uuid(), 'Entry ' || n, 'entry-' || n, 'Text', '{}', id, now() - n * interval '1 minute', now() - n * interval '1 minute'
    FROM generate_series(1, ${COUNT}) n JOIN "user" ON username = 'person' || n`,
  `INSERT INTO follow (follower_id, followee_id, created_at)
    SELECT follower.id, followee.id, now() - n * interval '1 minute'
    FROM generate_series(2, ${COUNT}) n JOIN "user" follower ON follower.username = 'person' || n JOIN "user" followee ON followee.username = 'person1'`,
  `INSERT INTO notification (id, user_id, kind, subject_type, subject_id, open_key)
    SELECT md5(n::text)::uuid, reader.id, 'FOLLOW', 'User', reader.id, 'follow ' || n FROM generate_series(1, ${COUNT}) n JOIN "user" reader ON username = 'reader'`,
  `INSERT INTO notification_actor (notification_id, user_id)
    SELECT md5(n::text)::uuid, id FROM generate_series(1, ${COUNT}) n JOIN "user" ON username = 'person' || n`,
];

interface Scrolled {
  /** How far what was read has moved otherwise than it was scrolled, at the most, in pixels. */
  readonly jump: number;
  /** As many elements as the page had at the most. */
  readonly elements: number;
}

/** Scrolls the list to its end, or to its start, where a text is to be seen, by less than a screen at a time. */
const scroll = (page: Page, list: string, by: number, text = ''): Promise<Scrolled> =>
  page.evaluate<Scrolled>(`(async () => {
    const list = document.querySelector('[role=list][aria-label=${list}]');
    let scroller = list;
    while (!/auto|scroll/.test(getComputedStyle(scroller).overflowY)) scroller = scroller.parentElement;
    const rows = () => [...list.querySelectorAll('[role=listitem]')].map((row) => ({ row, y: row.getBoundingClientRect().y }));
    const middle = scroller.clientHeight / 2;
    const still = async () => {
      for (let [last, frames] = ['', 0]; frames < 3; ) {
        await new Promise(requestAnimationFrame);
        const now = scroller.scrollTop + ' ' + scroller.scrollHeight;
        frames = now === last && document.querySelector('[aria-busy=true]') === null ? frames + 1 : 0;
        last = now;
      }
    };
    let [jump, elements, idle] = [0, 0, 0];
    await still();
    // A page that is busy may stand still for a while before it asks for more.
    while (idle < 5 || !/${text}(?!\\d)/.test(list.textContent)) {
      const anchor = rows().sort((one, other) => Math.abs(one.y - middle) - Math.abs(other.y - middle))[0];
      const top = scroller.scrollTop;
      scroller.scrollTop += ${by};
      await still();
      idle = scroller.scrollTop === top ? idle + 1 : 0;
      elements = Math.max(elements, document.querySelectorAll('*').length);
      if (!anchor.row.isConnected) continue;
      const moved = (anchor.y - anchor.row.getBoundingClientRect().y) * ${Math.sign(by)};
      // Where the row that says that more is loading was the last one, the end comes up to take its place.
      const isAtEnd = scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1;
      jump = Math.max(jump, moved - ${Math.abs(by)}, isAtEnd ? 0 : -moved);
    }
    return { jump, elements };
  })()`);

/** What is held after everything that nobody reaches has gone, in megabytes. */
const heapOf = async (devtools: CDPSession): Promise<number> => {
  await devtools.send('HeapProfiler.collectGarbage');
  await devtools.send('HeapProfiler.collectGarbage');
  return (await devtools.send('Runtime.getHeapUsage')).usedSize / 1e6;
};

describeWeb('a long list', ({ open }) => {
  let app: TestApp;
  let reader: TestUser;
  beforeAll(async () => {
    app = await startTestApp({ env: { MAX_COST_PER_VIEWER: '1000000000', MAX_COST_PER_ADDRESS: '1000000000' } });
    reader = await app.user('reader');
    for (const statement of FILL) await app.database.query(statement);
  });
  afterAll(async () => await app.stop());

  test.each([
    ['People', '/people', `Person ${COUNT}`, 'Person 1'],
    ['Posts', '/feed?of=everyone', `Post ${COUNT}`, 'Post 1'],
    ['People', '/people/person1?show=followers', `Person ${COUNT}`, 'Person 2'],
    ['Entries', '/vault', `Entry ${COUNT}`, 'Entry 1'],
  ])('%s at %s is scrolled to its end and back, and nothing jumps nor piles up', async (list, path, last, first) => {
    const { page, close } = await open(app, { as: reader, path });
    const devtools = await page.context().newCDPSession(page);
    const rows = page.getByRole('list', { name: list });
    await rows.getByRole('listitem').first().waitFor();
    const down = await scroll(page, list, 500, last);
    const atEnd = await heapOf(devtools);
    const up = await scroll(page, list, -500, first);
    const after = await heapOf(devtools);
    expect(Math.max(down.jump, up.jump)).toBeLessThan(2);
    expect(Math.max(down.elements, up.elements)).toBeLessThan(MOST_ELEMENTS);
    expect(after - atEnd).toBeLessThan(2);
    await close();
  });

  test('stays where it is read to while all of it is marked as read', async () => {
    const { page, close } = await open(app, { as: reader, path: '/notifications' });
    const rows = page.getByRole('list', { name: 'Notifications' }).getByRole('listitem');
    const first = (await rows.first().textContent()) ?? '';
    await scroll(page, 'Notifications', 500);
    const last = (await rows.last().textContent()) ?? '';
    expect(last).toContain('Unread.');
    await page.getByRole('button', { name: 'Mark all as read' }).dispatchEvent('click');
    await page.getByText('Unread.').first().waitFor({ state: 'detached' });
    expect(await rows.last().textContent()).toBe(last.replace('Unread.', ''));
    await scroll(page, 'Notifications', -500);
    expect(await rows.first().textContent()).toBe(first.replace('Unread.', ''));
    expect(await page.getByText('Unread.').count()).toBe(0);
    await page.getByRole('tab', { name: 'Unread' }).click();
    await page.getByText('All read').waitFor();
    await close();
  });

  test('that has changed as a whole begins anew, however far it was read', async () => {
    const { page, close } = await open(app, { as: reader, path: '/people/person1?show=followers' });
    const rows = page.getByRole('list', { name: 'People' }).getByRole('listitem');
    await rows.first().waitFor();
    await scroll(page, 'People', 500, `Person ${COUNT}`);
    await page.getByRole('main').getByRole('button', { name: 'Follow', exact: true }).first().dispatchEvent('click');
    await scroll(page, 'People', -500);
    await rows.first().getByText('reader').first().waitFor();
    await close();
  });
});
