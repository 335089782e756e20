import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { like, unlike } from '../kit/acts.js';
import { SHORT_GRACE, type TestUser } from '../kit/app.js';
import type { TestSubscription } from '../kit/client.js';
import { aPost } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { LikeVersionChanged } from '../kit/subscriptions.js';
import { createWorld, startOwnRedis, type OwnRedis, type World } from './hazard-world.js';

const PresenceChanged = graphql(`
  subscription StatePresence($ids: [ID!]) {
    presenceChanged(userIds: $ids) {
      status
      version
      user {
        username
      }
    }
  }
`);

let redis: OwnRedis;
beforeAll(async () => {
  redis = await startOwnRedis();
});
afterAll(() => redis.stop());

for (const [bus, env, count] of [
  ['memory bus', () => ({}), 1],
  ['two servers, Redis', () => redis.env, 2],
  ['two servers without a bus', () => ({ RECONCILE_MS: '50' }), 2],
] as const) {
  describe(`H31: state topics, ${bus}`, () => {
    let world: World;
    let likers: readonly TestUser[];
    beforeAll(async () => {
      world = await createWorld({ apps: count, env: { ...SHORT_GRACE, ...env() } });
      likers = await Promise.all(Array.from({ length: 12 }, (_, n) => world.apps[0].user(`liker${n}`)));
    });
    afterAll(() => world.stop());

    it('under concurrent likes values are left out, none goes back, and the last one always comes', async () => {
      const [here, there = here] = world.apps;
      const { id } = await aPost(here, world.ada);
      const following = [here, there, here].map((app) => app.connect().subscribe(LikeVersionChanged, { id }));
      for (const each of following) expect((await each.data()).likeCountChanged).toEqual({ count: 0, version: 0 });
      // Each likes and takes it back again and again; a third of them ends with a like.
      let changes = 0;
      await Promise.all(
        likers.map(async (liker, n) => {
          const app = n % 2 === 0 ? here : there;
          for (let time = 0; time < 10 + (n % 3 === 0 ? 1 : 0); time += 1) {
            await (time % 2 === 0 ? like : unlike)(app, liker, id);
            changes += 1;
          }
        }),
      );
      const last = { count: likers.length / 3, version: changes };
      const seen = await Promise.all(following.map((each) => until(each, ({ likeCountChanged }) => likeCountChanged.version === changes)));
      for (const values of seen) {
        expect(values.at(-1)?.likeCountChanged).toEqual(last);
        const versions = values.map(({ likeCountChanged }) => likeCountChanged.version);
        expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
        expect(values.length).toBeLessThan(changes);
      }
      // Who comes later begins there.
      expect((await there.connect().subscribe(LikeVersionChanged, { id }).data()).likeCountChanged).toEqual(last);
      // And nothing follows the last one but what changes next.
      await like(here, world.ben, id);
      for (const each of following) expect((await each.data()).likeCountChanged).toEqual({ count: last.count + 1, version: changes + 1 });
    });

    it('of many users in one subscription each has their own value, the last of each always comes, and none goes back', async () => {
      const [here, there = here] = world.apps;
      const members = likers.slice(0, 5);
      const presence = here.connect().subscribe(PresenceChanged, { ids: members.map(({ id }) => id) });
      const seen = new Map<string, { readonly status: string; readonly version: number }[]>();
      const take = async (): Promise<void> => {
        const { user, status, version } = (await presence.data()).presenceChanged;
        const values = seen.get(user.username) ?? [];
        seen.set(user.username, values);
        values.push({ status, version });
      };
      const standing = (): unknown[] => members.map(({ username }) => seen.get(username)?.at(-1)?.status);
      for (let n = 0; n < members.length; n += 1) await take();
      expect(standing()).toEqual(members.map(() => 'OFFLINE'));

      const devices = members.map((member, n) => (n % 2 === 0 ? here : there).connect(member));
      while (standing().includes('OFFLINE')) await take();
      // Some leave; who stays has no news.
      await Promise.all(devices.slice(0, 3).map((device) => device.close()));
      while (standing().filter((status) => status === 'OFFLINE').length < 3) await take();
      expect(standing()).toEqual(['OFFLINE', 'OFFLINE', 'OFFLINE', 'ONLINE', 'ONLINE']);
      for (const values of seen.values()) {
        const versions = values.map(({ version }) => version);
        expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
      }
      expect(
        members.map(({ username }) =>
          seen
            .get(username)
            ?.map(({ status }) => status)
            .join(' '),
        ),
      ).toEqual([...Array.from({ length: 3 }, () => 'OFFLINE ONLINE OFFLINE'), ...Array.from({ length: 2 }, () => 'OFFLINE ONLINE')]);
      await Promise.all(devices.slice(3).map((device) => device.close()));
    });
  });
}

/** Everything up to the first that is the one. */
const until = async <Data>(subscription: TestSubscription<Data>, isLast: (data: Data) => boolean): Promise<Data[]> => {
  const taken: Data[] = [];
  for (;;) {
    const data = await subscription.data();
    taken.push(data);
    if (isLast(data)) return taken;
  }
};
