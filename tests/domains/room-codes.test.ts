import { afterAll, beforeAll, expect, it } from 'vitest';
import { JOIN_CODE_ALPHABET, parseJoinCode } from '../../src/domains/conversations/join-codes.js';
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

it.each([
  ['in small letters', 'cdfg'],
  ['with blanks around and within', ' C D\u00a0F\tG\n'],
  ['with hyphens of any kind', 'C-D\u2011F\u2013G'],
  ['in full width, as an input method may have it', '\uff23\uff24\uff26\uff27'],
  ['with characters that nobody sees', '\u200bCD\u00adF\u2060G\ufeff'],
])('a code is understood %s', (_, typed) => {
  expect(parseJoinCode(typed)).toBe('CDFG');
});

it.each([
  ['too short', 'CDF'],
  ['too long', 'CDFGH'],
  ['with a letter that no code has', 'CDFA'],
  ['in letters of another script', 'СDFG'],
  ['long, whatever it is made of', `CDFG${' '.repeat(100)}`],
])('a code is not understood that is %s', (_, typed) => {
  expect(parseJoinCode(typed)).toBeNull();
});
