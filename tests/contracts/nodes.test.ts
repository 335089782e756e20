import {
  getNamedType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeId } from '../../src/graphql/ids.js';
import { schema } from '../../src/process/schema.js';
import { editEntry, revisionsOf } from '../kit/acts.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aPasskey } from '../kit/factories.js';
import { graphql, present } from '../kit/graphql.js';
import { StatusChanged } from '../kit/subscriptions.js';
import { createTalk } from '../kit/talk.js';

const NodesById = graphql(`
  query NodesById($ids: [ID!]!) {
    nodes(ids: $ids) {
      __typename
      id
    }
  }
`);
const NodeById = graphql(`
  query NodeById($id: ID!) {
    node(id: $id) {
      __typename
      id
    }
  }
`);
const PresenceNode = graphql(`
  query NodesPresence($id: ID!) {
    node(id: $id) {
      ... on Presence {
        status
        version
        lastSeenAt
      }
    }
  }
`);

const ExportNode = graphql(`
  query NodesExport($id: ID!) {
    operation(id: $id) {
      file {
        id
      }
    }
  }
`);

interface Node {
  readonly __typename: string;
  readonly id: string;
}

const isNode = (type: GraphQLObjectType): boolean => type.getInterfaces().some(({ name }) => name === 'Node');
const objectTypes = Object.values(schema.getTypeMap()).filter(isObjectType);
const nodeTypes = objectTypes.filter(isNode).map(({ name }) => name);

// ---------------------------------------------------------------- a walk over the schema

/** How many objects deep a walk goes; an edge, a page and the item in it are three. */
const DEPTH = 7;

type Values = Readonly<Record<string, string>>;

/** The arguments of a field, as far as there are values for them; null when one is missing that the field cannot do without. */
const argumentsOf = (parent: string, { name, args }: GraphQLField<unknown, unknown>, values: Values): string | null => {
  const given = args.flatMap((arg) => {
    const value = values[`${parent}.${name}.${arg.name}`] ?? (arg.name === 'first' ? '4' : undefined);
    return value === undefined ? [] : [`${arg.name}: ${value}`];
  });
  if (args.some((arg) => arg.type.toString().endsWith('!') && !given.some((each) => each.startsWith(`${arg.name}:`)))) return null;
  return given.length === 0 ? '' : `(${given.join(', ')})`;
};

/** All that a type leads to without coming back to a type that the path has led through. */
const selectionOf = (output: GraphQLOutputType, values: Values, path: readonly string[] = []): string | null => {
  const type = getNamedType(output);
  if (isLeafType(type)) return '';
  if (isInterfaceType(type)) {
    const parts = schema.getPossibleTypes(type).map((each) => {
      const selection = selectionOf(each, values, path);
      return selection === null ? '' : `... on ${each.name} ${selection}`;
    });
    return type.name === 'Node' ? '{ __typename id }' : `{ __typename ${parts.join(' ')} }`;
  }
  if (!isObjectType(type) || path.length === DEPTH || path.includes(type.name)) return null;
  const fields = Object.values(type.getFields()).flatMap((field) => {
    const given = argumentsOf(type.name, field, values);
    const selection = given === null ? null : selectionOf(field.type, values, [...path, type.name]);
    return selection === null ? [] : [`${field.name}${given ?? ''} ${selection}`];
  });
  return `{ __typename ${fields.join(' ')} }`;
};

/**
 * One operation for each root field of Query, but for the outline of a room where somebody who is no member has its code: that loads by the
 * code alone, since an id would show it still when the code is another or one was removed.
 */
const walks = (values: Values, isMember: boolean): string[] => {
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {}).filter(
    ({ name }) => !name.startsWith('node') && (isMember || name !== 'room'),
  );
  return fields.map((field) => {
    const given = argumentsOf('Query', field, values);
    expect(given, `values for the arguments of Query.${field.name}`).not.toBeNull();
    return `{ ${field.name}${given ?? ''} ${selectionOf(field.type, values) ?? ''} }`;
  });
};

/** Every `id` in an answer, with the type it is of. */
const idsIn = (answer: unknown): Node[] => {
  if (typeof answer !== 'object' || answer === null) return [];
  const { __typename, id } = answer as Partial<Node>;
  const own = __typename !== undefined && id !== undefined ? [{ __typename, id }] : [];
  return [...own, ...Object.values(answer).flatMap(idsIn)];
};

// ---------------------------------------------------------------- the world that is walked

let app: TestApp;
let viewers: Readonly<Record<string, TestUser | undefined>>;
let values: Values;

beforeAll(async () => {
  app = await startTestApp({
    env: {
      ...{ MAX_QUERY_COMPLEXITY: '10000000', MAX_QUERY_DEPTH: '40', MAX_QUERY_TOKENS: '100000', OPERATION_TIMEOUT_MS: '120000' },
      INVITATIONS_BY: 'MODERATOR',
    },
  });
  const talk = createTalk(app);
  const [ada, ben, moderator, chief] = await Promise.all([
    app.user('ada'),
    app.user('ben'),
    app.userWithRole('mia', 'MODERATOR'),
    app.userWithRole('chief', 'ADMIN'),
  ]);
  viewers = { nobody: undefined, ada, ben, mia: moderator, chief };
  const make = async (as: TestUser, name: string, input: object, field: string): Promise<string> => {
    const payload = await talk.act<Record<string, { id: string }>>(as, name, input, `${field} { id }`);
    return payload[field]?.id ?? '';
  };
  await make(moderator, 'createCategory', { name: 'Technical' }, 'category');
  const entry = await make(ada, 'createEntry', { title: 'Hello', content: 'World', category: 'technical', tags: ['a'] }, 'entry');
  await editEntry(app, ada, { id: entry, expectedVersion: 1, title: 'Hello again' });
  const [later, earlier] = await revisionsOf(app, ada, entry);
  await make(ada, 'createEntry', { title: 'Mine', content: 'Alone', isPublic: false }, 'entry');
  await make(moderator, 'announce', { text: 'Welcome' }, 'announcement');
  await make(moderator, 'createInvitation', {}, 'invitation');
  await app.database.query(
    `INSERT INTO identity (id, user_id, issuer, subject) SELECT gen_random_uuid(), id, 'https://issuer.example', '1' FROM "user" WHERE username = 'ada'`,
  );
  await aPasskey(app, ada);
  await make(ada, 'createApiKey', { name: 'A program', scopes: ['READ'] }, 'apiKey');
  const post = await make(ada, 'createPost', { body: 'Hello' }, 'post');
  const comment = await make(ben, 'addComment', { postId: post, body: 'Hi' }, 'comment');
  await make(ada, 'addComment', { postId: post, body: 'Hi yourself', replyToId: comment }, 'comment');
  const gone = await make(ben, 'addComment', { postId: post, body: 'Never mind' }, 'comment');
  await talk.act(ben, 'deleteComment', { id: gone }, '__typename');
  await talk.act(ben, 'likePost', { postId: post }, '__typename');
  await talk.act(ben, 'likeEntry', { entryId: entry }, '__typename');
  await talk.act(ben, 'followUser', { userId: ada.id }, '__typename');
  await talk.act(ada, 'blockUser', { userId: moderator.id }, '__typename');
  const group = await talk.group(ada, [ben]);
  const room = await talk.room(ada);
  await talk.direct(ben, ada);
  const said = await talk.send(ben, group.id, 'Hello @ada');
  await talk.act(ada, 'sendMessage', { conversationId: group.id, body: 'Yes?', replyToId: said.id }, '__typename');
  const taken = await talk.send(ben, group.id, 'Nothing');
  await talk.act(ben, 'deleteMessage', { messageId: taken.id }, '__typename');
  const exported = await make(ada, 'exportMyData', {}, 'operation');
  await vi.waitFor(async () => expect((await app.data(ExportNode, { id: exported }, ada)).operation.file).not.toBeNull(), {
    timeout: 20_000,
    interval: 50,
  });
  const quoted = (text: string): string => JSON.stringify(text);
  values = {
    'Query.user.username': quoted('ada'),
    'Query.category.slug': quoted('technical'),
    'Query.post.id': quoted(post),
    'Query.entry.id': quoted(entry),
    'Query.entryDifference.from': quoted(present(earlier)),
    'Query.entryDifference.to': quoted(present(later)),
    'Query.connections.userId': quoted(ada.id),
    'Query.conversation.id': quoted(group.id),
    'Query.room.code': quoted(room.joinCode),
    'Query.operation.id': quoted(exported),
    'Query.markdownPreview.text': quoted('A *text*'),
    'Query.conversationEvents.conversationId': quoted(group.id),
    'Query.postEvents.postId': quoted(post),
    'Query.presence.userIds': `[${quoted(ada.id)}, ${quoted(ben.id)}]`,
  };
});
afterAll(() => app.stop());

describe('an id', () => {
  it('is of a node wherever a type has one', () => {
    const others = objectTypes.filter((type) => type.getFields()['id']?.type.toString() === 'ID!' && !isNode(type));
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  it('that anything returns loads the same again, for each viewer who was given it', async () => {
    const seen = new Set<string>();
    for (const [name, viewer] of Object.entries(viewers)) {
      const answers = await Promise.all(walks(values, name === 'ada').map((query) => app.execute(query, {}, viewer)));
      expect(answers.filter(({ data }) => data === undefined)).toEqual([]);
      expect(answers.flatMap(({ errors = [] }) => errors.filter(({ extensions }) => extensions?.['code'] === 'INTERNAL'))).toEqual([]);
      const given = new Map(answers.flatMap(idsIn).map((node) => [node.id, node]));
      const { nodes } = await app.data(NodesById, { ids: [...given.keys()] }, viewer);
      expect(nodes, name).toEqual([...given.values()]);
      for (const { __typename } of given.values()) seen.add(__typename);
    }
    expect([...seen].sort()).toEqual([...nodeTypes].sort());
  });

  const NOTHING = '01900000-0000-7000-8000-000000000000';
  const raw = (text: string): string => Buffer.from(text).toString('base64url');
  const LEADS_NOWHERE: Readonly<Record<string, () => string>> = {
    'an empty one': () => '',
    'a word': () => 'garbage',
    'a uuid': () => NOTHING,
    'one with a NUL in it': () => raw(`Post:${NOTHING}\0`),
    'a NUL': () => '\0',
    'half a surrogate pair': () => '\ud800',
    'one with something behind': () => raw(`Post:${NOTHING} OR true`),
    'one with a number': () => raw('Post:1'),
    'one with nothing': () => raw('Post:'),
    'one of half a megabyte': () => 'A'.repeat(500_000),
    'one with a huge number': () => raw(`Post:${'9'.repeat(10_000)}`),
    'one of no type': () => raw(`:${NOTHING}`),
    'one of an unknown type': () => encodeId('Nonsense', NOTHING),
    'one of what objects inherit': () => encodeId('constructor', NOTHING),
    'one of an introspection type': () => raw(`__Type:${NOTHING}`),
  };

  it.each(Object.entries(LEADS_NOWHERE))('that leads nowhere is null and no error: %s', async (_name, id) => {
    expect(await app.execute(NodeById, { id: id() })).toEqual({ status: 200, data: { node: null } });
  });

  it('of any type at all is null when there is nothing with it', async () => {
    const ids = Object.keys(schema.getTypeMap()).map((type) => encodeId(type, NOTHING));
    expect(ids.length).toBeGreaterThan(100);
    for (const viewer of Object.values(viewers)) {
      expect(await app.execute(NodesById, { ids }, viewer)).toEqual({ status: 200, data: { nodes: ids.map(() => null) } });
    }
  });

  it('that is bad has null in its place in a list, and the others are there', async () => {
    const { ada, ben } = viewers;
    const ids = [present(ada?.id), 'garbage', encodeId('Nonsense', NOTHING), present(ben?.id)];
    expect(await app.execute(NodesById, { ids })).toEqual({
      status: 200,
      data: { nodes: [{ __typename: 'User', id: ada?.id }, null, null, { __typename: 'User', id: ben?.id }] },
    });
  });
});

describe('what only some may see', () => {
  const idOf = async (viewer: TestUser | undefined, query: string): Promise<Node> => {
    const [node] = idsIn(await app.data(query, {}, viewer));
    if (node === undefined) throw new Error(`Nothing has an id in ${query}.`);
    return node;
  };
  const whoSees = async (id: string): Promise<string[]> => {
    const seen = await Promise.all(
      Object.entries(viewers).map(async ([name, viewer]) => ((await app.execute(NodeById, { id }, viewer)).data?.node ? [name] : [])),
    );
    return seen.flat();
  };

  it('is Me, for oneself alone', async () => {
    const { id } = await idOf(viewers['ada'], '{ me { __typename id } }');
    expect(await whoSees(id)).toEqual(['ada']);
  });

  it('is a membership, for the members of its conversation', async () => {
    const query = `{ conversation(id: ${values['Query.conversation.id'] ?? ''}) { members(first: 1) { edges { node { __typename id } } } } }`;
    const { id } = await idOf(viewers['ben'], query);
    expect(await whoSees(id)).toEqual(['ada', 'ben']);
  });

  it('is an announcement, for those who are signed in', async () => {
    const { id } = await idOf(viewers['ben'], '{ announcements { edges { node { __typename id } } } }');
    expect(await whoSees(id)).toEqual(['ada', 'ben', 'mia', 'chief']);
  });

  it('is the presence of those whom a block keeps apart, who look as if they had never been here', async () => {
    const id = encodeId(
      'Presence',
      Buffer.from(viewers['ada']?.id ?? '', 'base64url')
        .toString()
        .slice('User:'.length),
    );
    const socket = app.connect(viewers['ada']);
    await socket.opened;
    const here = socket.subscribe(StatusChanged, { ids: [present(viewers['ada']?.id)] });
    while ((await here.data()).presenceChanged.status !== 'ONLINE') continue;
    expect(await app.data(PresenceNode, { id }, viewers['ben'])).toEqual({ node: { status: 'ONLINE', version: 1, lastSeenAt: null } });
    expect(await app.data(PresenceNode, { id }, viewers['mia'])).toEqual({ node: { status: 'OFFLINE', version: 0, lastSeenAt: null } });
    await socket.close();
  });
});
