import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenServices } from '../../src/process/services.js';
import { createAuthenticator } from '../../src/domains/account/authenticate.js';
import { tokenCredential } from '../../src/domains/account/credentials.js';
import { TokenError } from '../../src/domains/account/tokens.js';
import { conversationLog } from '../../src/domains/conversations/topics.js';
import { encodeId, parseId } from '../../src/graphql/ids.js';
import { decodeCursor } from '../../src/realtime/cursor.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { cursorOf, logOut } from '../kit/acts.js';
import { aMessage, aRoom } from '../kit/factories.js';
import { follow } from '../realtime/follow.js';

/** The first may be asked for alone; all that come while it is under way are one. */
const FEW = 2;
const MANY = 40;

let app: TestApp;
let users: TestUser[];
let rooms: string[];
beforeAll(async () => {
  app = await startTestApp();
  users = [];
  for (let n = 0; n < 8; n += 1) users.push(await app.user(`user${n}`));
  rooms = [];
  for (const user of users) rooms.push(parseId((await aRoom(app, user)).id).id);
});
afterAll(() => app.stop());

const inTurn = <Value>(values: readonly Value[], index: number): Value => {
  const value = values[index % values.length];
  if (value === undefined) throw new Error('There is none.');
  return value;
};
const many = <Result>(ask: (index: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: MANY }, (_, index) => ask(index)));

describe('many who come back at the same time', () => {
  it('are looked up together by their sessions, each as who they are', async () => {
    const { authenticate } = createAuthenticator(app.services as OpenServices);
    const credentialAt = (index: number) => tokenCredential(inTurn(users, index).token);
    // Their tokens have been verified before, so that all ask in the same turn.
    await many((index) => authenticate(credentialAt(index)));
    let names: string[] = [];
    const statements = await app.countStatements(async () => {
      names = (await many((index) => authenticate(credentialAt(index)))).map(({ viewer }) => viewer.username);
    });
    expect(statements.length).toBeLessThanOrEqual(FEW);
    expect(names).toEqual(Array.from({ length: MANY }, (_, index) => inTurn(users, index).username));
  });

  it('are refused one by one: a session that is over is nothing to the others', async () => {
    const { authenticate } = createAuthenticator(app.services as OpenServices);
    const leaver = await app.user('leaver');
    await authenticate(tokenCredential(leaver.token));
    await logOut(app, leaver);
    const found = await Promise.allSettled([...users, leaver].map(({ token }) => authenticate(tokenCredential(token))));
    expect(found.map(({ status }) => status)).toEqual([...users.map(() => 'fulfilled'), 'rejected']);
    expect((found.at(-1) as PromiseRejectedResult).reason).toBeInstanceOf(TokenError);
  });

  it('have the places of their streams looked up together', async () => {
    const statements = await app.countStatements(() => many((index) => app.services.hub.log(conversationLog, inTurn(rooms, index))));
    expect(statements.length).toBeLessThanOrEqual(FEW);
  });

  it('read together what they have missed, each from where they were', async () => {
    const key = inTurn(rooms, 0);
    const owner = inTurn(users, 0);
    const id = encodeId('Conversation', key);
    const after = await cursorOf(app, owner, id);
    for (const body of ['a', 'b', 'c']) await aMessage(app, owner, id, body);
    const { seq: before } = decodeCursor(conversationLog.name, key, after);
    let seqs: (readonly number[])[] = [];
    const statements = await app.countStatements(async () => {
      const followers = await many(() => follow(app, key, { selection: 'missed', after }));
      while (followers.some(({ attached }) => attached.position === null)) await new Promise(setImmediate);
      seqs = followers.map((follower) => follower.seqs);
      for (const { attached } of followers) attached.leave();
    });
    expect(seqs).toEqual(Array.from({ length: MANY }, () => [1, 2, 3].map((n) => before + n)));
    // The stream, too, looks once for what has come since the heads were looked up.
    expect(statements.filter((sql) => /\bevent\b/.test(sql)).length).toBeLessThanOrEqual(FEW + 1);
  });

  it('are asked for together whether they may follow their conversations, and each gets their own answer', async () => {
    const { memberships } = app.services;
    const ids = users.map(({ id }) => parseId(id).id);
    let answers: (boolean | null)[] = [];
    const statements = await app.countStatements(async () => {
      // Everybody of every room, which only its owner may follow; and of one that there is not.
      answers = await many((index) => memberships(inTurn([...rooms, inTurn(ids, 0)], index), inTurn(ids, index)));
    });
    expect(statements.length).toBeLessThanOrEqual(FEW);
    expect(answers).toEqual(
      Array.from({ length: MANY }, (_, index) => {
        const room = index % (rooms.length + 1);
        return room === rooms.length ? null : room === index % users.length;
      }),
    );
  });
});
