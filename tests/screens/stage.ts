/** A server of its own, filled with what the screenshots and the figures of the web client are taken of. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded.js';
import { seedDemoData } from '../../src/demo/seed.js';
import { DEMO_PASSWORD } from '../../src/demo/users.js';
import { alertAdministrators } from '../../src/domains/audit/topics.js';
import { parseId } from '../../src/graphql/ids.js';
import { createLog } from '../../src/observability/log.js';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { editEntry, joinRoom, like } from '../kit/acts.js';
import {
  aComment,
  aDirect,
  aFollow,
  aGroup,
  aMessage,
  anEntry,
  aPost,
  aRequest,
  aRoom,
  aSecondFactor,
  aSession,
} from '../kit/factories.js';
import { graphql } from '../kit/graphql.js';
import { queryAt, urlOf } from '../kit/postgres-address.js';

const React = graphql(`
  mutation ReactForScreens($messageId: ID!, $emoji: String!) {
    addReaction(input: { messageId: $messageId, emoji: $emoji }) {
      message {
        id
      }
    }
  }
`);
const Edit = graphql(`
  mutation EditForScreens($messageId: ID!, $body: String!) {
    editMessage(input: { messageId: $messageId, body: $body }) {
      message {
        id
      }
    }
  }
`);
const Delete = graphql(`
  mutation DeleteForScreens($messageId: ID!) {
    deleteMessage(input: { messageId: $messageId }) {
      message {
        id
      }
    }
  }
`);
const Profile = graphql(`
  mutation ProfileForScreens($displayName: String!, $bio: String!) {
    updateProfile(input: { displayName: $displayName, bio: $bio }) {
      user {
        id
      }
    }
  }
`);

const Invite = graphql(`
  mutation InviteForScreens($note: String, $maxUses: Int) {
    createInvitation(input: { note: $note, maxUses: $maxUses }) {
      invitation {
        id
      }
    }
  }
`);
const JoinForScreens = graphql(`
  mutation JoinForScreens($code: String!) {
    joinRoom(input: { code: $code, passcode: "thursday" }) {
      conversation {
        id
      }
    }
  }
`);

/** Where the pages are that have an id in their address. */
interface Places {
  readonly entry: string;
  readonly strangeEntry: string;
  readonly ownEntry: string;
  readonly post: string;
  readonly strangePost: string;
  readonly group: string;
  readonly direct: string;
  readonly request: string;
  readonly room: string;
  readonly joinCode: string;
}

export interface Filled {
  /** Has a part in everything. */
  readonly ada: TestUser;
  /** Looks after the house. */
  readonly admin: TestUser;
  /** Has just registered. */
  readonly newcomer: TestUser;
  /** Has names and words as long as they may be. */
  readonly long: TestUser;
  /** Has a second factor. */
  readonly guarded: TestUser;
  readonly places: Places;
}

export interface Stage extends Filled {
  readonly app: TestApp;
  readonly stop: () => Promise<void>;
}

/** Words that no line holds, of two hundred characters together. */
const LONG_WORD = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';
const LONG_NAME = 'Llanfairpwllgwyngyllgogerychwyrndrobwllllantysilio';
const LONG_LINK = `https://example.com/${'very/'.repeat(20)}long?${'parameter=value&'.repeat(6)}`;
const ARABIC = 'القراءة غذاء العقل، ومن يقرأ كثيرًا يعرف كثيرًا. (نسخة 2.0)';

const STRANGE_TEXT = `${ARABIC}

## ${LONG_WORD}

A paragraph with a word that is longer than a narrow screen, ${LONG_WORD}, and an address: ${LONG_LINK}

- ${ARABIC}
- A point of a list

| Column | Another column | ${LONG_WORD} |
|---|---|---|
| One | ${'wide '.repeat(12)} | 1 |
| Two | narrow | 22 |

\`\`\`ts
export const aLineOfCodeThatIsLongerThanTheScreenIsWide = (first: string, second: string): string => [first, second].join(', ') + '${'!'.repeat(40)}';
\`\`\`

> ${ARABIC}
`;

/** Fills an empty server. */
export const fill = async (app: TestApp): Promise<Filled> => {
  await seedDemoData(app.services);
  const named = (username: string): Promise<TestUser> => aSession(app, { username }, {}, DEMO_PASSWORD);
  const [ada, ben, chloe, admin] = await Promise.all([named('ada'), named('ben'), named('chloe'), named('admin')]);
  const [newcomer, long, layla, stranger, guarded] = await Promise.all([
    app.user('newcomer'),
    app.user('a_username_of_thirty_charact_s'),
    app.user('layla'),
    app.user('stranger'),
    app.user('guarded'),
  ]);
  await app.data(Profile, { displayName: LONG_NAME, bio: `${LONG_WORD} ${LONG_LINK} ${ARABIC}` }, long);
  await app.data(Profile, { displayName: 'ليلى الحكيم', bio: ARABIC }, layla);
  const strange = await anEntry(app, long, {
    title: `${LONG_WORD}, or how a title of many words is shown that goes on and on`,
    content: STRANGE_TEXT,
    category: 'Language',
    tags: ['a-tag-of-forty-characters-is-a-long-one', 'القراءة', 'short'],
  });
  for (const [version, content] of [
    `${STRANGE_TEXT}\n\nThe *last* paragraph is new, and ${LONG_WORD} with it.`,
    `${STRANGE_TEXT}\n\nThe *last* paragraph was changed.\n\n${ARABIC}`,
  ].entries())
    await editEntry(app, long, { id: strange.id, expectedVersion: version + 1, content });
  await anEntry(app, layla, { title: 'عن القراءة والكتابة', content: ARABIC, category: 'Language' });
  const own = await anEntry(app, ada, {
    title: 'Notes that only I see',
    content: '# Drafts\n\nA first thought, and **another** one.',
    isPublic: false,
  });

  const post = await aPost(app, ada, {
    body: 'What do you read when you cannot sleep? I keep coming back to `EXPLAIN (ANALYZE, BUFFERS)`.\n\nAsking for @ben.',
  });
  const first = await aComment(app, ben, post.id, { body: 'The manual of the coffee machine, which **always** works.' });
  await aComment(app, ada, post.id, { body: 'That is cheating, @ben', replyToId: first.id });
  await aComment(app, layla, post.id, { body: ARABIC });
  const strangePost = await aPost(app, long, { body: `${LONG_WORD} ${LONG_LINK}\n\n${ARABIC}` });
  await aComment(app, layla, strangePost.id, { body: `${ARABIC} ${LONG_WORD}` });
  await Promise.all([like(app, ben, post.id), like(app, chloe, post.id), like(app, ada, strangePost.id)]);
  await aFollow(app, newcomer, ada);

  const group = await aGroup(app, ada, [ben, chloe, layla, long], 'The reading circle that meets on the first Thursday of a month');
  const say = (as: TestUser, body: string, replyToId?: string) =>
    aMessage(app, as, group.id, replyToId === undefined ? body : { body, replyToId });
  const question = await say(ben, 'What do we read next? I have *two* proposals:\n\n1. something short\n2. something that is not');
  await say(ben, 'The short one is a hundred pages.');
  const edited = await say(chloe, 'Short, please');
  await app.data(Edit, { messageId: edited.id, body: 'Short, please. It is December.' }, chloe);
  await say(layla, ARABIC);
  const answer = await say(ada, 'The one that is not short, and we take two months for it', question.id);
  for (const [as, emoji] of [
    [ben, '👍'],
    [chloe, '👍'],
    [layla, '🎉'],
  ] as const)
    await app.data(React, { messageId: answer.id, emoji }, as);
  await say(long, `${LONG_WORD} ${LONG_LINK}`);
  await say(long, '```ts\nconst aLineOfCodeThatIsLongerThanTheScreenIsWide = "Thursday".repeat(12).padEnd(120, "!");\n```');
  const gone = await say(ben, 'Never mind');
  await app.data(Delete, { messageId: gone.id }, ben);
  await say(ada, 'Then it is settled. See you on Thursday.');
  const direct = await aDirect(app, ada, layla);
  await aMessage(app, layla, direct.id, ARABIC);
  await aMessage(app, ada, direct.id, 'Thank you');
  await aMessage(app, layla, direct.id, 'شكرًا');
  const request = await aRequest(app, stranger, ada);
  await aMessage(app, stranger, request.id, 'Hello, we have not met. May I ask you something about your entry on keyset pagination?');
  const room = await aRoom(app, ada, { title: 'Open evening', passcode: 'thursday' });
  await app.data(JoinForScreens, { code: room.joinCode }, ben);
  const open = await aRoom(app, chloe, { title: 'Long evening' });
  await joinRoom(app, ada, open.joinCode);
  await aMessage(app, ben, group.id, '@ada will you bring the book?');

  await aSecondFactor(app, guarded, Date.now());
  await app.data(Invite, { note: 'The reading circle', maxUses: 12 }, admin);
  await app.data(Invite, { note: `${LONG_WORD} ${ARABIC}` }, admin);

  await app.services.db.transact(async (tx) => {
    const subject = { type: 'User', id: parseId(long.id).id };
    alertAdministrators(tx, 'ROLE_CHANGED', { subject, detail: { before: 'MEMBER', role: 'MODERATOR' } });
    alertAdministrators(tx, 'SENDER_BANNED', { detail: { ip: '2001:db8:1234:5678:9abc:def0:1234:5678', forMs: 60_000 } });
    alertAdministrators(tx, 'SIGN_INS_FAILED', { detail: { failures: 500, accounts: 20 } });
  });

  return {
    ada,
    admin,
    newcomer,
    long,
    guarded,
    places: {
      entry: '/vault/entries/keyset-pagination',
      strangeEntry: `/vault/entries/${encodeURIComponent(strange.slug)}`,
      ownEntry: `/vault/entries/${encodeURIComponent(own.slug)}`,
      post: `/posts/${encodeURIComponent(post.id)}`,
      strangePost: `/posts/${encodeURIComponent(strangePost.id)}`,
      group: `/messages/${encodeURIComponent(group.id)}`,
      direct: `/messages/${encodeURIComponent(direct.id)}`,
      request: `/messages/${encodeURIComponent(request.id)}`,
      room: `/messages/${encodeURIComponent(open.id)}`,
      joinCode: room.joinCode,
    },
  };
};

/** @param env further settings of the server, by their names */
export const startStage = async (env: Readonly<Record<string, string>> = {}): Promise<Stage> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lyceum-screens-'));
  const postgres = await startEmbeddedPostgres({ dataDir, log: createLog('silent'), durable: false });
  const query = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> => queryAt(postgres.address, sql, values);
  const url = urlOf(postgres.address);
  const app = await startTestApp({ database: { url, adminUrl: url, query, drop: () => Promise.resolve() }, env });
  return {
    ...(await fill(app)),
    app,
    stop: async () => {
      await app.stop();
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};
