import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseId } from '../../src/graphql/ids.js';
import { notificationCursorOf } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aComment, aFollow, aPost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';

let app: TestApp;
let people = 0;

beforeAll(async () => {
  app = await startTestApp({ env: { NOTIFICATION_READ_KEPT: '10d', NOTIFICATION_UNREAD_KEPT: '20d' } });
});
afterAll(() => app.stop());

const Mine = graphql(`query RetainedMine { me { unreadNotificationCount notifications { nodes { kind readAt } } } }`);
const ReadAll = graphql(`mutation RetainedRead { markNotificationsRead(input: { all: true }) { notifications { id } } }`);
const Counts = graphql(`subscription RetainedCounts { unreadCounts { notifications } }`);
const Added = graphql(`subscription RetainedAdded($after: String) { notificationAdded(after: $after) { kind } }`);

const mine = async (user: TestUser) => (await app.data(Mine, {}, user)).me;

/** Somebody who was told of a follower and of a comment. */
const told = async (): Promise<TestUser> => {
  people += 1;
  const [user, other] = [await app.user(`told${people}`), await app.user(`teller${people}`)];
  await aFollow(app, other, user);
  await aComment(app, other, (await aPost(app, user)).id);
  return user;
};

/** As if all that somebody was told had happened so many days earlier. */
const age = async (user: TestUser, days: number, kind?: string): Promise<void> => {
  const { id } = parseId(user.id);
  const earlier = (column: string): string => `${column} = ${column} - $2 * interval '1 day'`;
  const columns = ['created_at', 'told_at', 'read_at'].map(earlier).join(', ');
  await app.database.query(`UPDATE notification SET ${columns} WHERE user_id = $1 AND kind::text = coalesce($3, kind::text)`, [
    id,
    days,
    kind ?? null,
  ]);
  await app.database.query(`UPDATE event SET ${earlier('at')} WHERE topic = 'notifications' AND key = $1::text`, [id, days]);
};
const sweep = () => app.runTask('notifications.deleteOld');

describe('notifications', () => {
  it('that were read are deleted when their time is over, and not before', async () => {
    const [gone, kept] = [await told(), await told()];
    for (const user of [gone, kept]) await app.data(ReadAll, {}, user);
    await age(gone, 11);
    await age(kept, 9);
    await sweep();
    expect((await mine(gone)).notifications.nodes).toEqual([]);
    expect((await mine(kept)).notifications.nodes).toHaveLength(2);
    const id = parseId(gone.id).id;
    expect(await app.database.query('SELECT 1 FROM notification WHERE user_id = $1', [id])).toEqual([]);
    expect(await app.database.query('SELECT 1 FROM notification_actor WHERE notification_id NOT IN (SELECT id FROM notification)')).toEqual(
      [],
    );
  });

  it('that nobody reads are kept for longer, and their counts are told when they go', async () => {
    const user = await told();
    const counts = app.connect(user).subscribe(Counts);
    expect((await counts.data()).unreadCounts.notifications).toBe(2);
    await age(user, 19);
    await sweep();
    expect((await mine(user)).unreadNotificationCount).toBe(2);
    await age(user, 2, 'FOLLOW');
    await sweep();
    expect((await mine(user)).notifications.nodes).toEqual([{ kind: 'COMMENT', readAt: null }]);
    let left = (await counts.data()).unreadCounts.notifications;
    while (left === 2) left = (await counts.data()).unreadCounts.notifications;
    expect(left).toBe(1);
  });

  it('take the events about them along, so that nobody resumes at what is not there', async () => {
    const user = await told();
    const cursor = await notificationCursorOf(app, user);
    await app.data(ReadAll, {}, user);
    await aFollow(app, await app.user(`later${people}`), user);
    await age(user, 11);
    await sweep();
    const { errors } = await app.connect(user).execute(Added, { after: cursor });
    expect(errors?.[0]?.extensions?.['code']).toBe('CURSOR_EXPIRED');
  });
});
