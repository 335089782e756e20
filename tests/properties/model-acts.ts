import fc from '../kit/cases.js';
import { has, isMember, notificationName, notificationsOf, type Act, type Conversation, type Inputs, type Model } from './model.js';

/**
 * Something to be done, in numbers: which of those there are then. So a step keeps its sense whatever is left out before it when a failure is
 * made smaller.
 */
export interface Step {
  readonly what: keyof typeof CHOICES;
  /** Of the users. */
  readonly by: number;
  /** Of the servers. */
  readonly at: number;
  readonly numbers: readonly [number, number, number];
}

/** A choice among what there is; undefined where there is nothing. */
const among = <Thing>(things: readonly Thing[], n: number): Thing | undefined => things[n % things.length];

/** Mostly one of the viewer's: others refuse nearly everything. */
const conversationFor = ({ conversations }: Model, by: string, n: number): Conversation | undefined => {
  const own = conversations.filter((each) => isMember(each, by));
  return among(n % 4 === 0 || own.length === 0 ? conversations : own, n >> 2);
};

type Message = Conversation['messages'][number];

/** Mostly one that is there still. */
const messageFor = (
  model: Model,
  by: string,
  n: number,
  m: number,
  isMeant = ({ isDeleted }: Message): boolean => !isDeleted,
): Message | undefined => {
  const spoken = { ...model, conversations: model.conversations.filter(({ messages }) => messages.length > 0) };
  return doneFor(conversationFor(spoken, by, n)?.messages ?? [], m, isMeant);
};

/** Mostly what the viewer has done something about already, so that there is something to take back. */
const doneFor = <Thing>(things: readonly Thing[], n: number, isDone: (thing: Thing) => boolean): Thing | undefined => {
  const done = things.filter(isDone);
  return among(n % 4 === 0 || done.length === 0 ? things : done, n >> 2);
};

const userFor = ({ users }: Model, n: number): string => among(users, n) ?? '';

/** Some of them, each bit of the number standing for one. */
const usersFor = ({ users }: Model, n: number): string[] => users.filter((_, index) => (n >> index) % 2 === 1);

/** Half of them mention somebody. */
const bodyFor = (model: Model, n: number): string =>
  [`words ${model.now}`, ...(n % 2 === 0 ? [] : usersFor(model, n >> 1).map((user) => `@${user}`))].join(' ');

const EMOJIS = ['👍', '🎉', '❤️'];
const emojiFor = (n: number): string => among(EMOJIS, n) ?? '';

const TITLES = ['Tea', 'Maps', null];

/** Undefined where there is nothing to choose from. */
type Chosen<Input> = { readonly [Field in keyof Input]: Input[Field] | undefined };

type Choices = {
  readonly [Name in keyof Inputs]: readonly [
    weight: number,
    choose: (model: Model, by: string, x: number, y: number, z: number) => Chosen<Inputs[Name]> | undefined,
  ];
};

/** How often each act is tried, and how its input is chosen. */
export const CHOICES: Choices & { readonly come: readonly [number]; readonly go: readonly [number] } = {
  come: [5],
  go: [3],
  startDirect: [2, (model, _by, x) => ({ userId: userFor(model, x) })],
  createGroup: [1, (model, _by, x) => ({ title: 'Group', memberIds: usersFor(model, x) })],
  createRoom: [1, (_model, _by, x) => ({ title: among(TITLES, x) ?? null })],
  joinRoom: [
    4,
    ({ conversations }, _by, x) => {
      const room = among(
        conversations.filter(({ kind }) => kind === 'ROOM'),
        x,
      );
      return room && { code: `codeOf_${room.id}` };
    },
  ],
  addMembers: [3, (model, by, x, y) => ({ conversationId: conversationFor(model, by, x)?.id, memberIds: usersFor(model, y) })],
  removeMember: [2, (model, by, x, y) => ({ conversationId: conversationFor(model, by, x)?.id, userId: userFor(model, y) })],
  leaveConversation: [3, (model, by, x) => ({ conversationId: conversationFor(model, by, x)?.id })],
  transferOwnership: [1, (model, by, x, y) => ({ conversationId: conversationFor(model, by, x)?.id, userId: userFor(model, y) })],
  renameConversation: [1, (model, by, x, y) => ({ conversationId: conversationFor(model, by, x)?.id, title: among(TITLES, y) ?? null })],
  sendMessage: [
    14,
    (model, by, x, y, z) => {
      const conversation = conversationFor(model, by, x);
      // One of three answers something, and one of these something said elsewhere.
      const answered = y % 9 === 0 ? among(model.conversations, y)?.messages : y % 3 === 0 ? conversation?.messages : undefined;
      return { conversationId: conversation?.id, body: bodyFor(model, z), replyToId: among(answered ?? [], z)?.id ?? null };
    },
  ],
  editMessage: [
    3,
    (model, by, x, y, z) => {
      const message = messageFor(model, by, x, y, ({ author, isDeleted }) => author === by && !isDeleted);
      // At times to what it says already.
      return message && { messageId: message.id, body: z % 5 === 0 && message.body !== '' ? message.body : bodyFor(model, z) };
    },
  ],
  deleteMessage: [2, (model, by, x, y) => ({ messageId: messageFor(model, by, x, y, ({ author }) => author === by)?.id })],
  addReaction: [4, (model, by, x, y, z) => ({ messageId: messageFor(model, by, x, y)?.id, emoji: emojiFor(z) })],
  removeReaction: [
    2,
    (model, by, x, y, z) => {
      const message = messageFor(model, by, x, y, ({ reactions }) => reactions.some(({ user }) => user === by));
      return { messageId: message?.id, emoji: message?.reactions.find(({ user }) => user === by)?.emoji ?? emojiFor(z) };
    },
  ],
  markRead: [
    7,
    (model, by, x, y, z) => {
      const conversation = conversationFor(model, by, x);
      const read = among((z % 8 === 0 ? among(model.conversations, z) : conversation)?.messages ?? [], y);
      return { conversationId: conversation?.id, cursor: read && `cursorOf_${read.id}` };
    },
  ],
  createPost: [1, (model) => ({ body: bodyFor(model, 0) })],
  likePost: [5, ({ posts }, _by, x) => ({ postId: among(posts, x)?.id })],
  unlikePost: [3, ({ posts }, by, x) => ({ postId: doneFor(posts, x, ({ likes }) => likes.includes(by))?.id })],
  addComment: [
    5,
    (model, _by, x, y) => {
      const post = among(model.posts, x);
      const answered = y % 9 === 0 ? among(model.posts, y)?.comments : y % 3 === 0 ? post?.comments : undefined;
      return { postId: post?.id, body: bodyFor(model, 0), replyToId: among(answered ?? [], y)?.id ?? null };
    },
  ],
  deleteComment: [
    3,
    ({ posts }, by, x) => {
      const comments = posts.flatMap((post) => post.comments);
      return { id: doneFor(comments, x, ({ author, isDeleted }) => author === by && !isDeleted)?.id };
    },
  ],
  followUser: [3, (model, _by, x) => ({ userId: userFor(model, x) })],
  unfollowUser: [2, ({ users, follows }, by, x) => ({ userId: doneFor(users, x, (user) => has(follows, by, user)) })],
  blockUser: [2, (model, _by, x) => ({ userId: userFor(model, x) })],
  unblockUser: [2, ({ users, blocks }, by, x) => ({ userId: doneFor(users, x, (user) => has(blocks, by, user)) })],
  markNotificationsRead: [
    3,
    (model, by, x, y) => {
      if (x % 3 === 0) return { all: true };
      const unread = notificationsOf(model, y % 5 === 0 ? userFor(model, y) : by).filter(({ isRead }) => !isRead);
      const meant = among(unread, x);
      return meant && { ids: [notificationName(meant)] };
    },
  ],
};

/** The act that a step means by now; null when it means nothing. */
export const actOf = (model: Model, { what, by: n, numbers }: Step): Act | null => {
  const [, choose] = CHOICES[what];
  const by = userFor(model, n);
  const input = choose?.(model, by, ...numbers);
  return input === undefined || Object.values(input).includes(undefined) ? null : ({ by, name: what, input } as Act);
};

const number = fc.nat({ max: 999 });

export const step: fc.Arbitrary<Step> = fc.record({
  what: fc.oneof(...Object.entries(CHOICES).map(([what, [weight]]) => ({ weight, arbitrary: fc.constant(what as keyof typeof CHOICES) }))),
  by: fc.nat({ max: 3 }),
  at: fc.nat({ max: 1 }),
  numbers: fc.tuple(number, number, number),
});
