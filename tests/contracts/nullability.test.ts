import { isNonNullType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../src/process/schema.js';
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

describe('a field of Query', () => {
  it('is nullable when its arguments may be wrong', () => {
    const fields = Object.values(schema.getQueryType()?.getFields() ?? {});
    const strict = fields.filter(({ type, args }) => isNonNullType(type) && args.length > 0).map(({ name }) => name);
    // Whatever ids are given to `nodes`, it has an answer for each.
    expect(strict).toEqual(['nodes']);
  });

  it('that fails leaves the others in the answer, with its error at its place', async () => {
    const { data, errors } = await app.execute(
      `{ me { user { username } } entries(first: -1) { totalCount } users(last: 101) { totalCount } tags(search: "${'x'.repeat(200)}") categories { name } }`,
      {},
      ada,
    );
    expect(data).toEqual({ me: { user: { username: 'ada' } }, entries: null, users: null, tags: null, categories: [] });
    expect(errors?.map(({ path, extensions }) => `${path?.join('.') ?? ''} ${String(extensions?.['code'])}`).sort()).toEqual([
      'entries BAD_USER_INPUT',
      'tags BAD_USER_INPUT',
      'users BAD_USER_INPUT',
    ]);
  });

  const PresenceBesideOthers = graphql(`
    query NullabilityPresence($ids: [ID!]!) {
      presence(userIds: $ids) {
        status
      }
      categories {
        name
      }
    }
  `);

  it('that fails for a user who is not there leaves the others in the answer', async () => {
    const nobody = Buffer.from('User:01900000-0000-7000-8000-000000000000').toString('base64url');
    const { data, errors } = await app.execute(PresenceBesideOthers, { ids: [nobody] });
    expect(data).toEqual({ presence: null, categories: [] });
    expect(errors).toMatchObject([{ path: ['presence'], extensions: { code: 'NOT_FOUND' } }]);
  });
});

describe('the outline of a room', () => {
  const MEMBERS_ONLY = ['cursor', 'members', 'messages', 'onlineCount', 'typing'];
  const WholeRoom = graphql(`
    query NullabilityWholeRoom($code: String!) {
      room(code: $code) {
        title
        memberCount
        joinCode
        cursor
        onlineCount
        members {
          totalCount
        }
        messages {
          totalCount
        }
        typing {
          username
        }
      }
    }
  `);

  it.each([
    ['somebody else', () => ben, 'FORBIDDEN'],
    ['somebody who is not signed in', () => undefined, 'UNAUTHENTICATED'],
  ])('is shown to %s beside the errors of what is for members only', async (_who, viewer, code) => {
    const { joinCode } = await talk.room(ada, { title: 'Glass house' });
    const { data, errors = [] } = await app.execute(WholeRoom, { code: joinCode }, viewer());
    expect(data).toEqual({
      room: {
        title: 'Glass house',
        memberCount: 1,
        joinCode: null,
        cursor: null,
        onlineCount: null,
        members: null,
        messages: null,
        typing: null,
      },
    });
    expect(errors.map(({ path }) => path?.join('.') ?? '').sort()).toEqual(MEMBERS_ONLY.map((name) => `room.${name}`));
    expect(new Set(errors.map(({ extensions }) => extensions?.['code']))).toEqual(new Set([code]));
  });

  it('has all that is for members only nullable, and nothing else of a conversation fails for others', () => {
    const type = schema.getType('Conversation');
    const nullable = isObjectType(type) ? Object.values(type.getFields()).filter((field) => !isNonNullType(field.type)) : [];
    expect(nullable.map(({ name }) => name)).toEqual(expect.arrayContaining(MEMBERS_ONLY));
  });
});
