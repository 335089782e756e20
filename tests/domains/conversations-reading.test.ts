import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cursorOf } from '../kit/acts.js';
import { parseId } from '../../src/graphql/ids.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';
import { createTalk, type Talk } from '../kit/talk.js';

let app: TestApp;
let talk: Talk;
let ada: TestUser;
let ben: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  talk = createTalk(app);
  [ada, ben] = await Promise.all([app.user('ada'), app.user('ben')]);
});
afterAll(() => app.stop());

const uuid = (globalId: string): string => parseId(globalId).id;

interface ReadMoved {
  readonly conversationEvents: {
    readonly __typename: string;
    readonly at: string;
    readonly cursor: string;
    readonly user?: { username: string };
    readonly readUpTo?: string;
    readonly readUpToSeq?: number;
  };
}
const Events = graphql(`subscription ReadingEvents($id: ID!, $after: String) {
  conversationEvents(conversationId: $id, after: $after) { __typename at cursor ... on ReadMoved { user { username } readUpTo readUpToSeq } }
}`);
const follow = (as: TestUser, id: string, after: string) => app.connect(as).subscribe(Events, { id, after });
const markRead = (as: TestUser, conversationId: string, cursor: string) =>
  talk.act<{ conversation: { lastReadSeq: number } }>(as, 'markRead', { conversationId, cursor }, 'conversation { lastReadSeq }');

describe('ReadMoved', () => {
  test('tells the first position at once, further ones at most once a second, and the last', async () => {
    const group = await talk.group(ada, [ben]);
    const sent = [];
    for (let index = 0; index < 30; index += 1) sent.push(await talk.send(ada, group.id, `${index}`));
    const last = sent.at(-1);
    const moves = follow(ada, group.id, last?.cursor ?? '');
    const begun = performance.now();
    await markRead(ben, group.id, sent[0]?.cursor ?? '');
    expect((await moves.data()).conversationEvents).toMatchObject({
      __typename: 'ReadMoved',
      user: { username: 'ben' },
      readUpTo: sent[0]?.cursor,
      readUpToSeq: sent[0]?.seq,
    });
    for (const { cursor } of sent) await markRead(ben, group.id, cursor);
    // Reading does not go back, and nobody hears of it.
    await markRead(ben, group.id, sent[3]?.cursor ?? '');
    const told: ReadMoved['conversationEvents'][] = [];
    while (told.at(-1)?.readUpToSeq !== last?.seq) told.push((await moves.data()).conversationEvents);
    const seqs = told.map(({ readUpToSeq }) => readUpToSeq ?? 0);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    // At most one a second since the first, for as long as it took: a slow machine may have told each.
    expect(told.length).toBeLessThanOrEqual(1 + (performance.now() - begun) / 1_000);
    expect(moves.waiting()).toBe(0);
  });

  test('does not answer itself: moving past what is no message is told to nobody', async () => {
    const group = await talk.group(ada, [ben]);
    const said = await talk.send(ada, group.id, 'hello');
    await markRead(ben, group.id, said.cursor);
    const cursor = await cursorOf(app, ada, group.id);
    expect(cursor).not.toBe(said.cursor);
    const end = () => cursorOf(app, ada, group.id);
    await markRead(ada, group.id, cursor);
    const afterwards = await end();
    // As if all that had been long ago: whatever is to be told is told at once.
    await app.database.query(`UPDATE conversation_member SET read_told_at = now() - interval '1 hour' WHERE conversation_id = $1`, [
      uuid(group.id),
    ]);
    await markRead(ben, group.id, afterwards);
    await markRead(ada, group.id, afterwards);
    expect(await end()).toBe(afterwards);
  });

  /** The membership, as its job knows it. */
  const memberId = async (user: TestUser, conversationId: string): Promise<string> => {
    const [member] = await app.database.query<{ id: string }>(
      'SELECT id FROM conversation_member WHERE user_id = $1 AND conversation_id = $2',
      [uuid(user.id), uuid(conversationId)],
    );
    return member?.id ?? '';
  };
  /** Leaves a member as one who has read on, of which nobody has been told yet. */
  const readUntold = async (id: string, seq: number): Promise<void> => {
    await app.database.query(`UPDATE conversation_member SET last_read_seq = $2, read_told_at = now() - interval '1 hour' WHERE id = $1`, [
      id,
      seq,
    ]);
  };
  /** Has the job run that tells of it, and waits until it has. */
  const tell = async (id: string): Promise<void> => {
    const key = `conversations.tellReading:${id}`;
    await app.database.query(
      `SELECT 1 FROM graphile_worker.add_job('conversations.tellReading', json_build_object('memberId', $1::text), job_key := $2)`,
      [id, key],
    );
    await expect.poll(() => app.database.query('SELECT 1 FROM graphile_worker.jobs WHERE key = $1', [key])).toEqual([]);
  };
  /** The positions that were told. */
  const toldIn = async (conversationId: string): Promise<number[]> => {
    const told = await app.database.query<{ seq: number }>(
      `SELECT (ref->>'seq')::int AS seq FROM event WHERE topic = 'conversation' AND key = $1 AND kind = 'ReadMoved' ORDER BY event.seq`,
      [uuid(conversationId)],
    );
    return told.map(({ seq }) => seq);
  };

  test('of a member who leaves before it is told is not told', async () => {
    const group = await talk.group(ada, [ben]);
    const sent = [await talk.send(ada, group.id, 'one'), await talk.send(ada, group.id, 'two')];
    const id = await memberId(ben, group.id);
    await markRead(ben, group.id, sent[0]?.cursor ?? '');
    await readUntold(id, sent[1]?.seq ?? 0);
    await talk.act(ben, 'leaveConversation', { conversationId: group.id }, '__typename');
    await tell(id);
    expect(await toldIn(group.id)).toEqual([sent[0]?.seq]);
  });

  test('is not told to one who is kept apart, in a direct conversation', async () => {
    const [zoe, yan] = await Promise.all([app.user('zoe'), app.user('yan')]);
    const direct = await talk.direct(zoe, yan);
    const sent = [await talk.send(zoe, direct.id, 'one'), await talk.send(zoe, direct.id, 'two'), await talk.send(zoe, direct.id, 'three')];
    const id = await memberId(yan, direct.id);
    await markRead(yan, direct.id, sent[0]?.cursor ?? '');
    await readUntold(id, sent[1]?.seq ?? 0);
    // The second is still to be told when the block comes.
    await talk.act(zoe, 'blockUser', { userId: yan.id }, '__typename');
    await tell(id);
    expect(await markRead(yan, direct.id, sent[2]?.cursor ?? '')).toEqual({ conversation: { lastReadSeq: sent[2]?.seq } });
    expect(await toldIn(direct.id)).toEqual([sent[0]?.seq]);
  });

  test('is told among up to 50 members', async () => {
    const members = `members(first: 2) { edges { node { lastReadSeq lastReadCursor } } }`;
    const room = await talk.room(ada);
    await talk.act(ben, 'joinRoom', { code: room.joinCode }, '__typename');
    const crowd = async (count: number): Promise<void> => {
      await app.database.query(
        `WITH person AS (
           INSERT INTO "user" (id, username, username_key, display_name)
           SELECT gen_random_uuid(), 'one-of-many-' || n, 'one-of-many-' || n, 'One of many' FROM generate_series($2::int, $3::int) n RETURNING id
         ) INSERT INTO conversation_member (id, conversation_id, user_id) SELECT gen_random_uuid(), $1, id FROM person`,
        [uuid(room.id), count === 48 ? 1 : 49, count],
      );
    };
    const kindsOf = async (): Promise<string[]> =>
      (await app.database.query<{ kind: string }>(`SELECT kind FROM event WHERE topic = 'conversation' AND key = $1`, [uuid(room.id)])).map(
        ({ kind }) => kind,
      );
    await crowd(48);
    await markRead(ben, room.id, (await talk.send(ada, room.id, 'to 49 others')).cursor);
    expect((await kindsOf()).filter((kind) => kind === 'ReadMoved')).toHaveLength(1);
    const read = await talk.read<{ members: { edges: { node: { lastReadSeq: unknown; lastReadCursor: unknown } }[] } }>(
      ada,
      room.id,
      members,
    );
    for (const { node } of read.members.edges)
      expect(node).toEqual({ lastReadSeq: expect.any(Number) as number, lastReadCursor: expect.any(String) as string });
    await crowd(49);
    const said = await talk.send(ada, room.id, 'to 50 others');
    expect(await markRead(ben, room.id, said.cursor)).toEqual({ conversation: { lastReadSeq: said.seq } });
    expect((await kindsOf()).filter((kind) => kind === 'ReadMoved')).toHaveLength(1);
    const unread = await talk.read<typeof read>(ada, room.id, members);
    for (const { node } of unread.members.edges) expect(node).toEqual({ lastReadSeq: null, lastReadCursor: null });
  });
});
