import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChaosPostgres, type ChaosPostgres } from '../chaos/postgres.js';
import { cursorOf } from '../kit/acts.js';
import { SendMessage } from '../kit/factories.js';
import { createWorld, Messages, type World } from './hazard-world.js';

const STANDBY_MS = 200;
const TIMEOUT_MS = 120_000;

let dataDir: string;
let postgres: ChaosPostgres;
let world: World;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lyceum-failover-'));
  postgres = await startChaosPostgres(dataDir);
  world = await createWorld({ apps: 1, database: { ...postgres, adminUrl: postgres.url, drop: () => Promise.resolve() } });
}, TIMEOUT_MS);
afterAll(async () => {
  await world.stop();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}, TIMEOUT_MS);

/** The room's cursor, as soon as the server reaches its database. */
const cursor = async (): Promise<string> => {
  const [app] = world.apps;
  const ask = (): Promise<string | null> => cursorOf(app, world.ada, world.room).catch(() => null);
  await expect.poll(ask, { timeout: TIMEOUT_MS }).toBeTypeOf('string');
  return (await ask()) ?? '';
};

it(
  'H34: who has seen what a promoted standby lacks is told so when the server reconnects, without any reconcile',
  { timeout: TIMEOUT_MS },
  async () => {
    const [app] = world.apps;
    await world.send(app, 'kept');
    await postgres.keepCopy();
    await cursor();
    const subscription = app.connect(world.ada).subscribe(Messages, { id: world.room, after: world.start });
    for (const body of ['lost', 'lost too']) await world.send(app, body);
    const seen = await subscription.take(3);
    await postgres.failOver(STANDBY_MS, () => undefined);

    const present = await cursor();
    expect(await subscription.ended).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }]);
    expect(subscription.waiting()).toBe(0);
    // Nobody comes back behind what is lost; the list that is fetched then leads on.
    const late = app.connect(world.ada).subscribe(Messages, { id: world.room, after: seen.at(-1)?.messageAdded.cursor });
    expect((await late.next()).errors).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }]);
    const anew = app.connect(world.ada).subscribe(Messages, { id: world.room, after: present });
    await expect
      .poll(() => app.execute(SendMessage, { input: { conversationId: world.room, body: 'after' } }, world.ben))
      .not.toHaveProperty('errors');
    expect((await anew.data()).messageAdded.message.body).toBe('after');
  },
);
