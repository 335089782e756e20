import { areApart, has, isMember, notificationsOf, unreadBy, type Conversation, type Model } from './model.js';

/*
 * What one user is shown, by the model and by the server: one query, and what must come of it.
 */

/** Everything that the viewer may ask for, in one operation. Each conversation and each post stands under its name. */
export const viewQuery = (model: Model, idOf: (name: string) => string): string => `{
  me {
    unreadMessageCount unreadNotificationCount
    conversations(first: 100) { edges { node { id } } }
    messageHistory(first: 100) { edges { node { id } } }
    blockedUsers(first: 100) { edges { node { id } } }
    notifications(first: 100) { edges { node { ${NOTIFICATION} subject { id } readAt } } }
  }
  presence(userIds: ${JSON.stringify(model.users.map(idOf))}) {
    status user { id followerCount followingCount viewerFollows viewerBlocks followers(first: 100) { edges { node { id } } } }
  }
  ${model.conversations.map(({ id }) => `${id}: conversation(id: "${idOf(id)}") { ${CONVERSATION} }`).join('\n')}
  ${model.posts.map(({ id }) => `${id}: node(id: "${idOf(id)}") { ... on Post { ${POST} } }`).join('\n')}
}`;

/** Without what it is about: who leaves a conversation no longer sees it there, and is not told of that. */
export const NOTIFICATION = 'id kind actorCount isWithdrawn actors { id }';
const CONVERSATION = `kind title memberCount onlineCount unreadCount lastMessageAt
  members(first: 100) { edges { node { user { id } role lastReadSeq } } }
  messages(first: 100) { edges { node {
    id seq author { id } body replyTo { id } mentions { id } reactions { emoji count viewerHasReacted } editedAt deletedAt
  } } }`;
const POST = `likeCount commentCount viewerHasLiked
  comments(first: 100) { edges { node { id author { id } body replyTo { id } replyCount deletedAt } } }`;

/** The same by the model. What the viewer may not see is the code of the refusal. */
export const viewOf = (model: Model, viewer: string): object => ({
  me: {
    unreadMessageCount: sum(conversationsOf(model, viewer).map((conversation) => unreadBy(conversation, viewer))),
    unreadNotificationCount: notificationsOf(model, viewer).filter(({ isRead }) => !isRead).length,
    conversations: conversationsOf(model, viewer).map(({ id }) => id),
    messageHistory: model.conversations
      .flatMap(({ messages }) => messages)
      .filter(({ author, isDeleted }) => author === viewer && !isDeleted)
      .sort((one, other) => other.sentAt - one.sentAt)
      .map(({ id }) => id),
    blockedUsers: model.blocks
      .filter(([by]) => by === viewer)
      .map(([, whom]) => whom)
      .reverse(),
    notifications: inAnyOrder(
      notificationsOf(model, viewer).map(({ kind, subject, actors, isRead }) => ({
        kind,
        actorCount: actors.length,
        isWithdrawn: false,
        actors,
        subject: isSeen(model, viewer, subject) ? subject : null,
        readAt: isRead,
      })),
    ),
  },
  presence: model.users.map((id) => ({
    status: isHereFor(model, viewer, id) ? 'ONLINE' : 'OFFLINE',
    user: {
      id,
      followerCount: model.follows.filter(([, whom]) => whom === id).length,
      followingCount: model.follows.filter(([by]) => by === id).length,
      viewerFollows: has(model.follows, viewer, id),
      viewerBlocks: has(model.blocks, viewer, id),
      followers: model.follows
        .filter(([, whom]) => whom === id)
        .map(([by]) => by)
        .reverse(),
    },
  })),
  ...Object.fromEntries(model.conversations.map((each) => [each.id, isMember(each, viewer) ? conversationFor(model, each, viewer) : null])),
  ...Object.fromEntries(
    model.posts.map(({ id, likes, comments }) => [
      id,
      {
        likeCount: likes.length,
        commentCount: comments.filter(({ isDeleted }) => !isDeleted).length,
        viewerHasLiked: likes.includes(viewer),
        comments: comments.map((comment) => ({
          id: comment.id,
          author: comment.author,
          body: comment.isDeleted ? '' : comment.body,
          replyTo: comment.replyTo,
          replyCount: comments.filter(({ replyTo, isDeleted }) => replyTo === comment.id && !isDeleted).length,
          deletedAt: comment.isDeleted,
        })),
      },
    ]),
  ),
});

/** Where something was said last comes first. */
const conversationsOf = (model: Model, user: string): Conversation[] =>
  model.conversations.filter((each) => isMember(each, user)).sort((one, other) => other.activeAt - one.activeAt);

const conversationFor = (model: Model, { kind, title, owner, members, messages }: Conversation, viewer: string): object => ({
  kind,
  title,
  memberCount: members.length,
  onlineCount: members.filter(({ user }) => isHereFor(model, viewer, user)).length,
  unreadCount: unreadBy({ members, messages }, viewer),
  lastMessageAt: messages.length > 0,
  members: members.map(({ user, read }) => ({ user, role: user === owner ? 'OWNER' : 'MEMBER', read })),
  messages: messages.map(({ id, author, body, replyTo, mentions, reactions, isEdited, isDeleted }) => ({
    id,
    author,
    body,
    replyTo,
    mentions: [...mentions].sort(),
    reactions: [...new Set(reactions.map(({ emoji }) => emoji))].map((emoji) => {
      const group = reactions.filter((each) => each.emoji === emoji);
      return { emoji, count: group.length, viewerHasReacted: group.some(({ user }) => user === viewer) };
    }),
    editedAt: isEdited,
    deletedAt: isDeleted,
  })),
});

const isHereFor = (model: Model, viewer: string, user: string): boolean => model.here.has(user) && !areApart(model, viewer, user);

/** Of what there is to be notified of, only messages are hidden from anybody: from those who have left. */
const isSeen = (model: Model, viewer: string, subject: string): boolean => {
  const conversation = model.conversations.find(({ messages }) => messages.some(({ id }) => id === subject));
  return conversation === undefined || isMember(conversation, viewer);
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** What is told later comes first, and when that is depends on the time. */
export const inAnyOrder = (list: readonly object[]): string[] => list.map((each) => JSON.stringify(each)).sort();

// ---------------------------------------------------------------- the server's answer

/** Ids, and cursors and codes, that have names. */
export interface Names {
  readonly idOf: (name: string) => string;
  readonly nameOf: (id: string) => string;
  readonly set: (name: string, id: string) => void;
}

export const createNames = (): Names => {
  const ids = new Map<string, string>();
  const names = new Map<string, string>();
  return {
    idOf: (name) => ids.get(name) ?? name,
    nameOf: (id) => names.get(id) ?? id,
    set: (name, id) => {
      ids.set(name, id);
      names.set(id, name);
    },
  };
};

/** Data with names for ids: a page is the list of its nodes, what has only an id is its name, and of a time it counts that there is one. */
const inWords = (names: Names, data: unknown): unknown =>
  JSON.parse(JSON.stringify(data), (key, value: unknown) => {
    if (key.endsWith('At')) return value !== null;
    if (typeof value === 'string') return names.nameOf(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    if ('edges' in value) return (value.edges as { readonly node: unknown }[]).map(({ node }) => node);
    return 'id' in value && Object.keys(value).length === 1 ? value.id : value;
  });

/** The same of an input: ids for names. */
export const inIds = (names: Names, input: object): object =>
  JSON.parse(JSON.stringify(input), (_key, value: unknown) => (typeof value === 'string' ? names.idOf(value) : value)) as object;

interface Shown {
  readonly me: { readonly notifications: readonly ShownNotification[] };
  readonly [name: string]: unknown;
}

export interface ShownNotification {
  readonly id: string;
  readonly kind: string;
  readonly subject: string | null;
  readonly readAt: boolean;
}

interface ShownConversation {
  readonly members: readonly { readonly lastReadSeq: number }[];
  readonly messages: readonly { readonly seq: number }[];
}

/** An answer to {@link viewQuery} in the words of {@link viewOf}. */
export const answerInWords = (
  model: Model,
  names: Names,
  data: unknown,
  errors: readonly { readonly path?: readonly (string | number)[]; readonly extensions?: Readonly<Record<string, unknown>> }[],
): { readonly view: object; readonly notifications: readonly ShownNotification[] } => {
  const { me, ...rest } = inWords(names, data) as Shown;
  const { notifications } = me;
  const view: Record<string, unknown> = {
    ...rest,
    me: { ...me, notifications: inAnyOrder(notifications.map(({ id: _, ...each }) => each)) },
  };
  for (const { id } of model.conversations) if (rest[id]) view[id] = withPositions(rest[id] as ShownConversation);
  for (const { path, extensions } of errors) view[path?.join('.') ?? ''] = extensions?.['code'];
  return { view, notifications };
};

/** The model counts messages, where the server has seqs. */
const withPositions = ({ members, messages, ...rest }: ShownConversation): object => ({
  ...rest,
  members: members.map(({ lastReadSeq, ...member }) => ({ ...member, read: messages.filter(({ seq }) => seq <= lastReadSeq).length })),
  messages: messages.map(({ seq: _, ...message }) => message),
});
