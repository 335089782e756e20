import { afterAll, beforeAll, expect, it } from 'vitest';
import { JOIN_CODE_ALPHABET, parseJoinCode } from '../../src/domains/conversations/join-codes.js';
import { parseId } from '../../src/graphql/ids.js';
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

it('codes are longer where more rooms are open, so that guessing finds none', async () => {
  const openRooms = (count: number) =>
    app.database.query(
      `INSERT INTO conversation (id, kind, join_code, creator_id)
       SELECT gen_random_uuid(), 'ROOM', 'X' || n, (SELECT id FROM "user" WHERE username = 'ada')
       FROM generate_series((SELECT count(join_code) FROM conversation) + 1, $1::int) n`,
      [count],
    );
  for (const [open, length] of [
    [0, 4],
    [4, 4],
    [5, 6],
    [213, 6],
    [214, 8],
    [94_556, 8],
    [94_557, 10],
  ] as const) {
    await openRooms(open);
    const { id, joinCode } = await talk.room(ada);
    expect([open, joinCode]).toEqual([open, expect.stringMatching(new RegExp(`^[${JOIN_CODE_ALPHABET}]{${length}}$`))]);
    expect(parseJoinCode(joinCode.toLowerCase())).toBe(joinCode);
    await app.database.query('UPDATE conversation SET join_code = NULL WHERE id = $1', [parseId(id).id]);
  }
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
  ['too long by one', 'CDFGH'],
  ['longer than any', 'CDFGHJKMNPQR'],
  ['with a letter that no code has', 'CDFA'],
  ['in letters of another script', 'СDFG'],
  ['long, whatever it is made of', `CDFG${' '.repeat(100)}`],
])('a code is not understood that is %s', (_, typed) => {
  expect(parseJoinCode(typed)).toBeNull();
});
