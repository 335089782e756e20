import { afterAll, beforeEach, expect, it } from 'vitest';
import { like } from '../kit/acts.js';
import type { TestApp } from '../kit/app.js';
import { aPost } from '../kit/factories.js';
import { LikeVersionChanged } from '../kit/subscriptions.js';
import { Messages, createWorld, type World } from './hazard-world.js';

const worlds: World[] = [];
let world: World;
let app: TestApp;
beforeEach(async () => {
  world = await createWorld({ apps: 2 });
  worlds.push(world);
  [app] = world.apps;
});
afterAll(async () => {
  for (const each of worlds) await each.stop();
});

/** Somebody who has seen five messages and waits for more. */
const followFive = async () => {
  const subscription = app.connect(world.ada).subscribe(Messages, { id: world.room, after: world.start });
  for (let n = 1; n <= 5; n += 1) await world.send(app, String(n));
  await subscription.take(5);
  return subscription;
};

/** The last two commits are gone, as after a failover to a standby that had not got them. */
const lose = async (): Promise<void> => {
  await world.database.query(
    `DELETE FROM event WHERE topic = 'conversation' AND key = $1 AND seq > (SELECT last_seq - 2 FROM head WHERE topic = 'conversation' AND key = $1)`,
    [world.key],
  );
  await world.database.query(
    `UPDATE head SET last_seq = last_seq - 2, prior_at = NULL,
       last_at = (SELECT at FROM event WHERE topic = 'conversation' AND key = $1 ORDER BY seq DESC LIMIT 1)
     WHERE topic = 'conversation' AND key = $1`,
    [world.key],
  );
};

const expired = [{ extensions: { code: 'CURSOR_EXPIRED' } }];

it('H34: who stands beyond the head of a database that went back is told CURSOR_EXPIRED as soon as the heads are compared', async () => {
  const subscription = await followFive();
  await lose();
  await app.services.hub.reconcile();
  expect(await subscription.ended).toMatchObject(expired);
});

for (const writer of [0, 1] as const) {
  it(`H34: what takes the numbers of lost events is not skipped: CURSOR_EXPIRED and nothing more, written by ${writer === 0 ? 'the same' : 'another'} server`, async () => {
    const subscription = await followFive();
    await lose();
    // The third of them has the number that would have come next.
    for (let n = 1; n <= 3; n += 1) await world.send(world.apps[writer] ?? app, `again ${n}`);
    if (writer === 1) await app.services.hub.reconcile();
    expect(await subscription.ended).toMatchObject(expired);
    expect(subscription.waiting()).toBe(0);
    // The list that is fetched then leads on without a hole.
    const anew = app.connect(world.ada).subscribe(Messages, { id: world.room, after: await world.cursor() });
    await world.send(app, 'after');
    expect((await anew.data()).messageAdded.message.body).toBe('after');
  });
}

it('H34: events of another server that took the numbers of lost ones are found out by the next one of this server', async () => {
  const subscription = await followFive();
  await lose();
  const other = world.apps[1] ?? app;
  for (let n = 1; n <= 2; n += 1) await world.send(other, `again ${n}`);
  await world.send(app, 'the next');
  expect(await subscription.ended).toMatchObject(expired);
  expect(subscription.waiting()).toBe(0);
});

it('H34: another epoch ends what is open, whatever the numbers', async () => {
  const subscription = await followFive();
  await world.database.query(`UPDATE head SET epoch = epoch - 1 WHERE topic = 'conversation' AND key = $1`, [world.key]);
  await world.send(app, 'in another history');
  expect(await subscription.ended).toMatchObject(expired);
});

it('H34: a state whose version went back ends too, and shows the present value when it is followed again', async () => {
  const { id } = await aPost(app, world.ada);
  const likes = app.connect(world.ada).subscribe(LikeVersionChanged, { id });
  await likes.data();
  await like(app, world.ben, id);
  await likes.data();
  await world.database.query(`DELETE FROM head WHERE topic = 'likeCount'`);
  await app.services.hub.reconcile();
  expect(await likes.ended).toMatchObject(expired);
  const again = app.connect(world.ada).subscribe(LikeVersionChanged, { id });
  expect((await again.data()).likeCountChanged.version).toBe(0);
});
