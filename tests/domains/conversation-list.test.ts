import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aDirect, aGroup, aMessage, aRoom } from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';

const List = graphql(`
  query ConversationList {
    me {
      conversations(first: 10) {
        nodes {
          id
          peer {
            username
          }
          lastMessage {
            body
            deletedAt
            author {
              username
            }
          }
        }
      }
    }
  }
`);
const Outline = graphql(`
  query ConversationOutline($code: String!) {
    room(code: $code) {
      id
      lastMessage {
        body
      }
    }
  }
`);
const Delete = graphql(`
  mutation ConversationListDelete($id: ID!) {
    deleteMessage(input: { messageId: $id }) {
      messageId
    }
  }
`);

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
let cleo: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  [ada, ben, cleo] = await Promise.all([app.user('ada'), app.user('ben'), app.user('cleo')]);
});
afterAll(() => app.stop());

const listOf = async (as: TestUser) => (await app.data(List, {}, as)).me.conversations.nodes;

describe('a list of conversations', () => {
  it('shows whom a direct one is with and what was said last, and reads both once for all', async () => {
    const direct = await aDirect(app, ada, ben);
    const group = await aGroup(app, ada, [ben, cleo]);
    await aMessage(app, ada, direct.id, 'first');
    await aMessage(app, ben, direct.id, 'second');
    await aMessage(app, cleo, group.id, 'third');
    expect(await listOf(ada)).toEqual([
      { id: group.id, peer: null, lastMessage: { body: 'third', deletedAt: null, author: { username: 'cleo' } } },
      { id: direct.id, peer: { username: 'ben' }, lastMessage: { body: 'second', deletedAt: null, author: { username: 'ben' } } },
    ]);
    const few = await app.countStatements(() => listOf(ada));
    await aDirect(app, ada, cleo);
    for (let more = 0; more < 3; more += 1) await aMessage(app, ada, (await aGroup(app, ada, [ben])).id);
    expect((await app.countStatements(() => listOf(ada))).length).toBe(few.length);
  });

  it('shows a deleted message as the last one, and null before the first', async () => {
    const dora = await app.user('dora');
    const direct = await aDirect(app, dora, ben);
    expect(await listOf(dora)).toEqual([{ id: direct.id, peer: { username: 'ben' }, lastMessage: null }]);
    await aMessage(app, dora, direct.id, 'said');
    const last = await aMessage(app, dora, direct.id, 'regretted');
    await app.data(Delete, { id: last.id }, dora);
    const [{ lastMessage } = { lastMessage: null }] = await listOf(dora);
    expect(lastMessage?.body).toBe('');
    expect(lastMessage?.deletedAt).not.toBeNull();
  });

  it('shows nobody but members what was said last in a room', async () => {
    const room = await aRoom(app, ada);
    await aMessage(app, ada, room.id, 'secret');
    const { data, errors } = await app.execute(Outline, { code: room.joinCode }, cleo);
    expect(data).toEqual({ room: { id: room.id, lastMessage: null } });
    expect(errors?.map(({ extensions }) => extensions?.['code'])).toEqual(['FORBIDDEN']);
  });
});
