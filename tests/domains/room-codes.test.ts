import { afterAll, beforeAll, expect, it } from 'vitest';
import { JOIN_CODE_ALPHABET } from '../../src/domains/conversations/join-codes.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { createTalk, type Talk } from '../kit/talk.js';

let app: TestApp;
let talk: Talk;
let ada: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  talk = createTalk(app);
  ada = await app.user('ada');
});
afterAll(() => app.stop());

it('a room that finds no free code is refused with UNAVAILABLE, and is made once a code is free', async () => {
  await app.database.query(
    `WITH letter AS (SELECT unnest(string_to_array($1, NULL)) AS l)
     INSERT INTO conversation (id, kind, join_code, creator_id)
     SELECT gen_random_uuid(), 'ROOM', a.l || b.l || c.l || d.l, (SELECT id FROM "user" WHERE username = 'ada')
     FROM letter a, letter b, letter c, letter d`,
    [JOIN_CODE_ALPHABET],
  );
  expect(await talk.code(ada, 'createRoom', {})).toBe('UNAVAILABLE');
  // Half of all codes: of as many tries as are made, all but never none finds one.
  await app.database.query(`UPDATE conversation SET join_code = NULL WHERE left(join_code, 1) < 'N'`);
  expect((await talk.room(ada)).joinCode).toMatch(/^[C-M3-9]/);
});
