import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SHORT_GRACE, type TestApp } from '../kit/app.js';
import { connect, type TestSubscription } from '../kit/client.js';
import { graphql, type ResultOf } from '../kit/graphql.js';
import { startServerProcess } from '../kit/process.js';
import { createCrowd, createWorld, startOwnRedis, type OwnRedis, type World } from './hazard-world.js';

const PresenceChanged = graphql(`
  subscription HazardPresence($ids: [ID!]) {
    presenceChanged(userIds: $ids) {
      status
      version
      user {
        id
      }
    }
  }
`);

type Presence = ResultOf<typeof PresenceChanged>;

/** Of the processes here, in milliseconds: long enough that none of them is taken for dead on a machine that has much to do. */
const LEASE_MS = '5000';

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis();
});
afterAll(() => redis.stop());

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

const worldOf = async (options: Parameters<typeof createWorld>[0]): Promise<World> => {
  const world = await createWorld({ ...options, env: { ...SHORT_GRACE, ...options.env } });
  cleanup.push(() => world.stop());
  return world;
};

for (const [bus, env] of [
  ['servers without a bus', () => ({ RECONCILE_MS: '200' })],
  ['Redis', () => redis.env],
] as const) {
  describe(`H31: presence, ${bus}`, () => {
    /** Follows these users on every server, and has had their first state there. */
    const followOn = async (apps: readonly TestApp[], ids: readonly string[]): Promise<TestSubscription<Presence>[]> => {
      const following = apps.map((app) => app.connect().subscribe(PresenceChanged, { ids: [...ids] }));
      for (const each of following) expect(statesOf(await each.take(ids.length))).toEqual(allOf(ids, 'OFFLINE 0'));
      return following;
    };
    const statesOf = (events: readonly Presence[]): Record<string, string> =>
      Object.fromEntries(events.map(({ presenceChanged: { user, status, version } }) => [user.id, `${status} ${version}`]));
    const allOf = (ids: readonly string[], state: string): Record<string, string> => Object.fromEntries(ids.map((id) => [id, state]));
    const devices = async (world: World): Promise<number> =>
      (await world.database.query<{ devices: number }>('SELECT coalesce(sum(devices), 0)::int AS devices FROM presence_device'))[0]
        ?.devices ?? 0;

    it('H15: of a killed process with 100 users each turns OFFLINE exactly once for all who follow, unless they are elsewhere too', async () => {
      const settings = { ...env(), PRESENCE_LEASE_MS: LEASE_MS };
      const world = await worldOf({ apps: 2, env: settings });
      const [here] = world.apps;
      const doomed = await startServerProcess({
        ...settings,
        DATABASE_URL: world.database.url,
        DATA_DIR: here.services.config.dataDir,
        LOG_LEVEL: 'silent',
        DEMO_DATA: 'false',
      });
      cleanup.push(() => doomed.end('SIGKILL'));
      const users = await createCrowd(world, 100);
      const ids = users.map(({ id }) => id);
      const following = await followOn(world.apps, ids);
      await Promise.all(users.map(({ token }) => connect(doomed.url, token).opened));
      for (const each of following) expect(statesOf(await each.take(ids.length))).toEqual(allOf(ids, 'ONLINE 1'));
      const elsewhere = users.slice(0, 10).map(({ token }) => connect(here.url, token));
      await expect.poll(() => devices(world)).toBe(110);

      await doomed.end('SIGKILL');
      for (const each of following) expect(statesOf(await each.take(90))).toEqual(allOf(ids.slice(10), 'OFFLINE 2'));
      // Whoever comes and goes now is the next that anybody hears of.
      const [other, back] = [users[0], users[99]];
      await elsewhere[0]?.close();
      for (const each of following) expect(statesOf(await each.take(1))).toEqual(allOf([other?.id ?? ''], 'OFFLINE 2'));
      const again = connect(here.url, back?.token);
      for (const each of following) expect(statesOf(await each.take(1))).toEqual(allOf([back?.id ?? ''], 'ONLINE 3'));
      expect(following.map((each) => each.waiting())).toEqual([0, 0]);
      await Promise.all([again, ...elsewhere].map((socket) => socket.close()));
    });

    it('H16: a second tab, wherever, and a reload within the grace tell nobody anything; the last one that leaves makes one OFFLINE', async () => {
      const world = await worldOf({ apps: 2, env: { ...env(), PRESENCE_GRACE_MS: '8000' } });
      const [here, there = here] = world.apps;
      const [user] = await createCrowd(world, 1);
      if (!user) throw new Error('There is one.');
      const following = await followOn(world.apps, [user.id]);
      const heard = async (state: string): Promise<void> => {
        for (const each of following) expect(statesOf(await each.take(1))).toEqual(allOf([user.id], state));
      };
      const leaving = (): Promise<object[]> => world.database.query('SELECT 1 FROM presence WHERE offline_due IS NOT NULL');
      const first = connect(here.url, user.token);
      await heard('ONLINE 1');
      const second = connect(there.url, user.token);
      await expect.poll(() => devices(world)).toBe(2);
      first.terminate();
      await expect.poll(() => devices(world)).toBe(1);
      second.terminate();
      await expect.poll(leaving).toHaveLength(1);
      const reloaded = connect(here.url, user.token);
      await expect.poll(leaving).toHaveLength(0);
      await reloaded.close();
      await heard('OFFLINE 2');
      const back = connect(there.url, user.token);
      await heard('ONLINE 3');
      expect(following.map((each) => each.waiting())).toEqual([0, 0]);
      await back.close();
    });
  });
}
