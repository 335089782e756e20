import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { decodeId } from '../../src/graphql/ids.js';
import { SHORT_GRACE, type TestApp } from '../kit/app.js';
import type { TestSocket, TestSubscription } from '../kit/client.js';
import { SendMessage } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { createWorld, Messages, type MessageEvent, type World } from './hazard-world.js';

/** The same of everyone for all, and what each is shown of their own. */
const Shared = graphql(`
  subscription OrderShared($id: ID!, $after: String) {
    messageAdded(conversationId: $id, after: $after) {
      message {
        body
        author {
          displayName
          presence {
            status
          }
        }
      }
    }
  }
`);
const Personal = graphql(`
  subscription OrderPersonal($id: ID!, $after: String) {
    messageAdded(conversationId: $id, after: $after) {
      message {
        body
        author {
          displayName
          viewerFollows
          presence {
            status
          }
        }
      }
    }
  }
`);
const Rename = graphql(`
  mutation OrderRename($name: String!) {
    updateProfile(input: { displayName: $name }) {
      user {
        id
      }
    }
  }
`);

/** Whoever sends these waits: the one before its row is there, the other one with its number, before its commit. */
const BEFORE = 'waits before it is written';
const NUMBERED = 'waits before its commit';
/** Fails at its commit, when it is written and numbered. */
const FAILS = 'fails at its commit';
/** What they wait for. */
const GATE = 7_001;

/** In which order things come, and what they show. */
export const describeOrder = (name: string, env: () => Readonly<Record<string, string>>, apps: 1 | 2): void => {
  describe(`H31: what comes when, ${name}`, () => {
    let world: World;
    let here: TestApp;
    let there: TestApp;
    beforeAll(async () => {
      world = await createWorld({ apps, env: { ...SHORT_GRACE, ...env(), DATABASE_TIMEOUT_MS: '60000' } });
      [here] = world.apps;
      there = world.apps[apps - 1] ?? here;
      await world.database.query(`
        CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF NEW.body = TG_ARGV[0] THEN PERFORM pg_advisory_xact_lock_shared(${GATE}); END IF;
          RETURN NEW;
        END $$`);
      await world.database.query(
        `CREATE TRIGGER wait_before BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION wait_here('${BEFORE}')`,
      );
      // Those that are deferred run at COMMIT, when the event has its number.
      await world.database.query(
        `CREATE CONSTRAINT TRIGGER wait_numbered AFTER INSERT ON message DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_here('${NUMBERED}')`,
      );
      await world.database.query(`
        CREATE FUNCTION fail_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF NEW.body = TG_ARGV[0] THEN RAISE EXCEPTION 'not to be committed'; END IF;
          RETURN NEW;
        END $$`);
      await world.database.query(
        `CREATE CONSTRAINT TRIGGER fail_numbered AFTER INSERT ON message DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_here('${FAILS}')`,
      );
    });
    afterAll(() => world.stop());

    const statements = (condition: string): Promise<object[]> =>
      world.database.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND ${condition}`);
    const bodies = async (subscription: TestSubscription<MessageEvent>, count: number): Promise<string[]> =>
      (await subscription.take(count)).map(({ messageAdded }) => messageAdded.message.body);
    const follow = (after: string): TestSubscription<MessageEvent>[] =>
      world.apps.map((app) => app.connect(world.ada).subscribe(Messages, { id: world.room, after }));

    it('H07: of messages whose transactions commit in another order than they began, and overlap, all come, once and in one order', async () => {
      const start = await world.cursor();
      const { length } = await world.history();
      const live = follow(start);
      await world.send(here, 'first');
      for (const each of live) expect(await bodies(each, 1)).toEqual(['first']);

      const holder = new pg.Client(world.database.url);
      await holder.connect();
      const sending: Promise<void>[] = [];
      try {
        await holder.query(`SELECT pg_advisory_lock(${GATE})`);
        sending.push(world.send(here, BEFORE));
        await expect.poll(() => statements(`wait_event = 'advisory'`)).toHaveLength(1);
        // Begins later, is there before.
        await world.send(there, 'overtakes');
        for (const each of live) expect(await bodies(each, 1)).toEqual(['overtakes']);

        sending.push(world.send(there, NUMBERED));
        await expect.poll(() => statements(`wait_event = 'advisory'`)).toHaveLength(2);
        // Has no number before that one is there: whoever reads up to a number has all before it.
        sending.push(world.send(here, 'waits its turn'));
        await expect.poll(() => statements(`wait_event_type = 'Lock' AND wait_event <> 'advisory'`)).toHaveLength(1);
        await Promise.all(world.apps.map((app) => app.services.hub.reconcile()));
        const [resumed] = follow(start);
        if (resumed) live.push(resumed);
        expect(await bodies(resumed as TestSubscription<MessageEvent>, 2)).toEqual(['first', 'overtakes']);
        expect(live.map((each) => each.waiting())).toEqual(live.map(() => 0));
      } finally {
        await holder.end();
        await Promise.all(sending);
      }
      await world.send(there, 'last');
      const history = (await world.history()).slice(length);
      expect(history.toSorted()).toEqual([BEFORE, NUMBERED, 'first', 'last', 'overtakes', 'waits its turn'].toSorted());
      expect(history.indexOf(NUMBERED)).toBeLessThan(history.indexOf('waits its turn'));
      for (const each of live) expect(await bodies(each, 4)).toEqual(history.slice(2));
      for (const each of follow(start)) expect(await bodies(each, 6)).toEqual(history);
    });

    it('H24: of what is rolled back when it is written and numbered already nobody hears, and the next one has its place', async () => {
      const live = follow(await world.cursor());
      const before = await world.history();
      for (const app of world.apps) {
        expect(await app.code(SendMessage, { input: { conversationId: world.room, body: FAILS } }, world.ben)).toBe('INTERNAL');
        await Promise.all(world.apps.map(({ services }) => services.hub.reconcile()));
        await world.send(app, 'commits');
        for (const each of live) expect(await bodies(each, 1)).toEqual(['commits']);
      }
      expect(await world.history()).toEqual([...before, ...world.apps.map(() => 'commits')]);
    });

    it('H09: an event shows what is there when it comes, not what was read for one before it', async () => {
      const after = await world.cursor();
      const events = world.apps.flatMap((app) =>
        [Shared, Personal].map((document) => app.connect(world.ada).subscribe(document, { id: world.room, after })),
      );
      let device: TestSocket | null = null;
      for (const [displayName, status] of [
        ['Ben', 'OFFLINE'],
        ['Benjamin', 'ONLINE'],
        ['B.', 'OFFLINE'],
      ] as const) {
        await there.data(Rename, { name: displayName }, world.ben);
        if (status === 'ONLINE') device = there.connect(world.ben);
        else await device?.close();
        const presence = `SELECT coalesce((SELECT status::text FROM presence WHERE user_id = $1), 'OFFLINE') AS status`;
        await expect.poll(() => world.database.query(presence, [decodeId('User', world.ben.id, 'id')])).toEqual([{ status }]);
        await world.send(there, `as ${displayName}`);
        for (const each of events) {
          expect((await each.data()).messageAdded.message).toMatchObject({
            body: `as ${displayName}`,
            author: { displayName, presence: { status } },
          });
        }
      }
    });
  });
};
