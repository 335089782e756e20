import { builder } from '../../src/graphql/builder.js';
import { findAsMember } from '../../src/domains/conversations/conversations.js';
import { MessageAdded } from '../../src/domains/conversations/event-schema.js';
import { conversationLog } from '../../src/domains/conversations/topics.js';
import { User } from '../../src/domains/account/schema.js';
import { Presence } from '../../src/domains/presence/schema.js';
import { presenceTopic } from '../../src/domains/presence/topics.js';
import { decodeId } from '../../src/graphql/ids.js';
import { signalTopic, type Signal } from '../../src/realtime/topic.js';
import { viewerOf } from '../../src/access/viewer.js';
import { deferred, type Deferred } from './deferred.js';

/*
 * Fields that only tests have, for what the schema itself gives no occasion to. Import this before the app: the schema is built when
 * it is loaded.
 */

/** By name: what a `gatedMessageAdded` waits for after its rules have let it in. */
const gates = new Map<string, { readonly reached: Deferred<undefined>; readonly open: Deferred<undefined> }>();

/** A new gate; `reached` resolves when a subscription stands before it. */
export const createGate = (name: string): { readonly reached: Promise<undefined>; readonly open: () => void } => {
  const gate = { reached: deferred<undefined>(), open: deferred<undefined>() };
  gates.set(name, gate);
  return { reached: gate.reached.promise, open: () => gate.open.resolve(undefined) };
};

builder.subscriptionField('gatedMessageAdded', (t) =>
  t.topic({
    type: MessageAdded,
    topic: conversationLog,
    kinds: ['MessageAdded'],
    description: 'As `messageAdded`, but for a wait between the asking of its rules and the answer. Once open, it is open.',
    args: { conversationId: t.arg.id({ required: true }), gate: t.arg.string({ required: true }) },
    authorize: async ({ conversationId, gate }, context) => {
      const { conversation } = await findAsMember(context, decodeId('Conversation', conversationId, 'conversationId'));
      gates.get(gate)?.reached.resolve(undefined);
      await gates.get(gate)?.open.promise;
      return { key: conversation.id };
    },
    resolve: (event) => event,
  }),
);

builder.prismaObjectFields(User, (t) => ({
  seenBy: t.string({
    description: 'Who looks, as a resolver writes it that thinks of nothing else, and hides what goes wrong.',
    resolve: ({ username }, _args, context) => {
      try {
        return `${username} seen by ${context.viewer?.username ?? 'anyone'} as ${context.viewer?.role ?? 'nobody'}`;
      } catch {
        return `${username} seen by nobody in particular`;
      }
    },
  }),
  forModerators: t.string({
    description: 'What a scope guards.',
    nullable: true,
    authScopes: { role: 'MODERATOR' },
    resolve: ({ username }) => `the file of ${username}`,
  }),
}));

const Shade = builder.enumType('Shade', { description: 'Something to choose from.', values: ['DARK', 'LIGHT'] as const });

interface Given {
  readonly n?: number | null;
  readonly x?: number | null;
  readonly id?: string | null;
  readonly text?: string | null;
  readonly shade?: 'DARK' | 'LIGHT' | null;
  readonly at?: Date | null;
  readonly ns?: readonly (number | null | undefined)[] | null;
  readonly given?: Given | null;
}

const GivenInput = builder.inputRef<Given>('GivenInput').implement({
  description: 'Some of everything.',
  fields: (t) => ({
    n: t.int({ defaultValue: 3 }),
    x: t.float(),
    id: t.id(),
    text: t.string(),
    shade: t.field({ type: Shade, defaultValue: 'LIGHT' }),
    at: t.field({ type: 'DateTime' }),
    ns: t.field({ type: t.listRef('Int', { required: false }) }),
    given: t.field({ type: GivenInput }),
  }),
});

/** Whatever a resolver can tell from a value. */
const toldOf = (value: unknown): string => {
  if (Object.is(value, -0)) return '-0';
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `[${value.map(toldOf).join()}]`;
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`;
  return `{${Object.entries(value)
    .map(([name, inner]) => `${name}: ${toldOf(inner)}`)
    .join()}}`;
};

builder.prismaObjectFields(User, (t) => ({
  toldWith: t.string({
    description: 'What it was asked with.',
    args: {
      n: t.arg.int({ defaultValue: 7 }),
      must: t.arg.int({ required: true, defaultValue: 1 }),
      x: t.arg.float(),
      id: t.arg.id(),
      text: t.arg.string(),
      shade: t.arg({ type: Shade }),
      at: t.arg({ type: 'DateTime' }),
      ns: t.arg.intList({ required: { list: false, items: false } }),
      given: t.arg({ type: GivenInput }),
    },
    resolve: (_user, args) => toldOf(args),
  }),
}));

const aloud = signalTopic<{ readonly by: string; readonly what: string }>('aloud');

const Said = builder.objectRef<Signal<{ readonly by: string; readonly what: string }>>('Said').implement({
  description: 'What somebody said aloud.',
  fields: (t) => ({ what: t.string({ resolve: ({ value }) => value.what }) }),
});

builder.subscriptionField('saidAloud', (t) =>
  t.topic({
    type: Said,
    topic: aloud,
    description: 'A signal, for everyone but who says it.',
    args: { conversationId: t.arg.id({ required: true }) },
    authorize: async ({ conversationId }, context) => {
      const { conversation } = await findAsMember(context, decodeId('Conversation', conversationId, 'conversationId'));
      return { key: conversation.id };
    },
    visible: (viewer, { value }) => viewer?.id !== value.by,
    resolve: (signal) => signal,
  }),
);

builder.mutationField('sayAloud', (t) =>
  t.boolean({
    nullable: true,
    description: 'Says it to everyone who listens.',
    args: { conversationId: t.arg.id({ required: true }), what: t.arg.string({ required: true }) },
    resolve: (_root, { conversationId, what }, context) => {
      context.hub.publish(aloud, decodeId('Conversation', conversationId, 'conversationId'), { by: viewerOf(context).id, what });
      return true;
    },
  }),
);

builder.subscriptionField('messageUntilGoodbye', (t) =>
  t.topic({
    type: MessageAdded,
    topic: conversationLog,
    kinds: ['MessageAdded'],
    description: 'Each message up to the second one, which a fixture says goodbye with.',
    args: { conversationId: t.arg.id({ required: true }), after: t.arg.string() },
    authorize: async ({ conversationId, after }, context) => {
      const { conversation } = await findAsMember(context, decodeId('Conversation', conversationId, 'conversationId'));
      return { key: conversation.id, after };
    },
    // The room's log begins with its two members joining.
    endsFor: ({ seq }) => (seq === 4 ? 'everyone' : null),
    resolve: (event) => event,
  }),
);

builder.subscriptionField('memberPresence', (t) =>
  t.topic({
    type: Presence,
    topic: presenceTopic,
    description: 'Whether those are here who are members of a conversation, as they come and go.',
    args: { conversationId: t.arg.id({ required: true }) },
    authorize: async ({ conversationId }, context) => {
      const { conversation } = await findAsMember(context, decodeId('Conversation', conversationId, 'conversationId'));
      const members = await context.db.prisma.conversationMember.findMany({ where: { conversationId: conversation.id } });
      return {
        keys: members.map(({ userId }) => userId),
        until: { topic: conversationLog, key: conversation.id, kinds: ['MemberJoined', 'MemberLeft'] },
      };
    },
    resolve: (presence) => presence,
  }),
);

/** By the id of a conversation: what the rules of `questionedMessageAdded` say of it when they are asked; and how often they were. */
export const questions = new Map<string, { asked: number; answer: () => Promise<void> }>();

builder.subscriptionField('questionedMessageAdded', (t) =>
  t.topic({
    type: MessageAdded,
    topic: conversationLog,
    kinds: ['MessageAdded'],
    description: 'As `messageAdded`, by rules that a test decides.',
    args: { conversationId: t.arg.id({ required: true }) },
    authorize: async ({ conversationId }) => {
      const key = decodeId('Conversation', conversationId, 'conversationId');
      const question = questions.get(conversationId);
      if (question) {
        question.asked += 1;
        await question.answer();
      }
      return { key };
    },
    resolve: (event) => event,
  }),
);

builder.prismaObjectFields(User, (t) => ({
  seenFrom: t.string({
    description: 'From where it is seen, as a resolver writes it that must not.',
    nullable: true,
    resolve: (_user, _args, { client, principal }) => `${client.userAgent ?? ''} ${principal?.via.kind ?? ''}`,
  }),
}));
