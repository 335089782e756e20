import type { ErrorCode } from '../../src/errors.js';

/*
 * The rules of conversations, posts and notifications, as whoever uses them has them in mind: lists in memory, and one act after the other.
 * Everything has a name (`message3`, `ada7`) in the place of its id, and an act is the input of its mutation with such names.
 */

// ---------------------------------------------------------------- what there is

export interface Model {
  readonly users: readonly string[];
  /** Those with a device that is connected. */
  readonly here: Set<string>;
  /** Who follows whom, and who has blocked whom; the latest last. */
  follows: readonly Pair[];
  blocks: readonly Pair[];
  /** All blocks that ever were. */
  pastBlocks: readonly Pair[];
  readonly conversations: Conversation[];
  readonly posts: Post[];
  readonly notifications: Notification[];
  /** Acts so far: the time. */
  now: number;
  /** Things so far, for their names. */
  things: number;
}

type Pair = readonly [by: string, whom: string];

export interface Conversation {
  readonly id: string;
  readonly kind: 'DIRECT' | 'GROUP' | 'ROOM';
  title: string | null;
  owner: string | null;
  /** In the order of their joining. */
  members: Member[];
  readonly messages: Message[];
  /** Its log, but for the read positions, whose times are not the model's. */
  readonly events: string[];
  activeAt: number;
}

export interface Member {
  readonly user: string;
  readonly joinedAt: number;
  /** How many of the messages there were then. */
  readonly joinedAfter: number;
  /** How many of the messages they have read. */
  read: number;
}

interface Message {
  readonly id: string;
  readonly author: string;
  readonly replyTo: string | null;
  readonly sentAt: number;
  body: string;
  mentions: readonly string[];
  reactions: readonly { readonly emoji: string; readonly user: string }[];
  isEdited: boolean;
  isDeleted: boolean;
}

interface Post {
  readonly id: string;
  readonly author: string;
  likes: readonly string[];
  readonly comments: Comment[];
}

interface Comment {
  readonly id: string;
  readonly author: string;
  readonly body: string;
  readonly replyTo: string | null;
  isDeleted: boolean;
}

interface Notification extends Heard {
  /** The latest first. */
  actors: readonly string[];
  isRead: boolean;
}

/** Who hears of what. */
interface Heard {
  readonly user: string;
  readonly kind: 'LIKE' | 'COMMENT' | 'FOLLOW' | 'MENTION' | 'MESSAGE';
  readonly subject: string;
}

export const createModel = (users: readonly string[]): Model => ({
  users,
  here: new Set(),
  follows: [],
  blocks: [],
  pastBlocks: [],
  conversations: [],
  posts: [],
  notifications: [],
  now: 0,
  things: 0,
});

// ---------------------------------------------------------------- what may be done

/** The inputs of the mutations. */
export interface Inputs {
  readonly startDirect: { readonly userId: string };
  readonly createGroup: { readonly title: string; readonly memberIds: readonly string[] };
  readonly createRoom: { readonly title: string | null };
  readonly joinRoom: { readonly code: string };
  readonly addMembers: { readonly conversationId: string; readonly memberIds: readonly string[] };
  readonly removeMember: { readonly conversationId: string; readonly userId: string };
  readonly leaveConversation: { readonly conversationId: string };
  readonly transferOwnership: { readonly conversationId: string; readonly userId: string };
  readonly renameConversation: { readonly conversationId: string; readonly title: string | null };
  readonly sendMessage: { readonly conversationId: string; readonly body: string; readonly replyToId: string | null };
  readonly editMessage: { readonly messageId: string; readonly body: string };
  readonly deleteMessage: { readonly messageId: string };
  readonly addReaction: { readonly messageId: string; readonly emoji: string };
  readonly removeReaction: { readonly messageId: string; readonly emoji: string };
  readonly markRead: { readonly conversationId: string; readonly cursor: string };
  readonly createPost: { readonly body: string };
  readonly likePost: { readonly postId: string };
  readonly unlikePost: { readonly postId: string };
  readonly addComment: { readonly postId: string; readonly body: string; readonly replyToId: string | null };
  readonly deleteComment: { readonly id: string };
  readonly followUser: { readonly userId: string };
  readonly unfollowUser: { readonly userId: string };
  readonly blockUser: { readonly userId: string };
  readonly unblockUser: { readonly userId: string };
  readonly markNotificationsRead: { readonly all: true } | { readonly ids: readonly string[] };
}

export type Act = {
  readonly [Name in keyof Inputs]: { readonly by: string; readonly name: Name; readonly input: Inputs[Name] };
}[keyof Inputs];

/** What an act must lead to: the code of its refusal, or else the name of what it shows, if it shows anything. */
export type Outcome = { readonly refused: ErrorCode } | { readonly refused: null; readonly shown: string | null };

/** Does an act in the model. */
export const play = (model: Model, { by, name, input }: Act): Outcome => {
  model.now += 1;
  const rule = RULES[name] as (model: Model, by: string, input: Act['input']) => unknown;
  try {
    const shown = rule(model, by, input);
    return { refused: null, shown: typeof shown === 'string' ? shown : null };
  } catch (refusal) {
    if (refusal instanceof Refusal) return { refused: refusal.code };
    throw refusal;
  }
};

class Refusal extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

/** Before anything is changed. */
const demand = (holds: boolean, code: ErrorCode): void => {
  if (!holds) throw new Refusal(code);
};

// ---------------------------------------------------------------- the rules

const RULES: { readonly [Name in keyof Inputs]: (model: Model, by: string, input: Inputs[Name]) => unknown } = {
  startDirect: (model, by, { userId }) => {
    demand(userId !== by, 'BAD_USER_INPUT');
    demand(!areApart(model, by, userId), 'FORBIDDEN');
    const begun = model.conversations.find((each) => each.kind === 'DIRECT' && isMember(each, by) && isMember(each, userId));
    return (begun ?? begin(model, { kind: 'DIRECT', title: null, owner: null }, [by, userId])).id;
  },

  createGroup: (model, by, { title, memberIds }) => {
    demand(!memberIds.some((user) => areApart(model, by, user)), 'FORBIDDEN');
    return begin(model, { kind: 'GROUP', title, owner: by }, [...new Set([by, ...memberIds])]).id;
  },

  createRoom: (model, by, { title }) => begin(model, { kind: 'ROOM', title, owner: by }, [by]).id,

  joinRoom: (model, by, { code }) => {
    const room = called(model.conversations, code.replace('codeOf_', ''));
    if (isMember(room, by)) return;
    join(model, room, by);
    room.owner ??= by;
  },

  addMembers: (model, by, { conversationId, memberIds }) => {
    const conversation = ownOf(model, by, conversationId);
    demand(conversation.kind !== 'DIRECT', 'BAD_USER_INPUT');
    demand(conversation.kind === 'GROUP' || conversation.owner === by, 'FORBIDDEN');
    const added = [...new Set(memberIds)].filter((user) => !isMember(conversation, user));
    demand(!added.some((user) => areApart(model, by, user)), 'FORBIDDEN');
    for (const user of added) join(model, conversation, user);
    return conversation.id;
  },

  removeMember: (model, by, { conversationId, userId }) => {
    const conversation = ownedBy(model, by, conversationId);
    demand(userId !== by, 'BAD_USER_INPUT');
    if (isMember(conversation, userId)) leave(model, conversation, userId);
  },

  leaveConversation: (model, by, { conversationId }) => {
    const conversation = ownOf(model, by, conversationId);
    demand(conversation.kind !== 'DIRECT', 'BAD_USER_INPUT');
    leave(model, conversation, by);
    if (conversation.owner !== by) return;
    conversation.owner = null;
    const [longest] = conversation.members;
    if (longest) passOn(conversation, longest.user);
  },

  transferOwnership: (model, by, { conversationId, userId }) => {
    const conversation = ownedBy(model, by, conversationId);
    demand(isMember(conversation, userId), 'BAD_USER_INPUT');
    if (userId !== by) passOn(conversation, userId);
  },

  renameConversation: (model, by, { conversationId, title }) => {
    const conversation = ownedBy(model, by, conversationId);
    demand(title !== null || conversation.kind === 'ROOM', 'BAD_USER_INPUT');
    if (title === conversation.title) return;
    conversation.title = title;
    conversation.events.push(`ConversationRenamed ${by}`);
  },

  sendMessage: (model, by, { conversationId, body, replyToId }) => {
    const conversation = ownOf(model, by, conversationId);
    demand(mayTalk(model, conversation, by), 'FORBIDDEN');
    demand(replyToId === null || conversation.messages.some(({ id }) => id === replyToId), 'BAD_USER_INPUT');
    const message: Message = {
      id: nameFor(model, 'message'),
      author: by,
      replyTo: replyToId,
      sentAt: model.now,
      body,
      mentions: mentionedIn(model, conversation, by, body),
      reactions: [],
      isEdited: false,
      isDeleted: false,
    };
    conversation.messages.push(message);
    conversation.activeAt = model.now;
    conversation.events.push(`MessageAdded ${message.id}`);
    for (const user of message.mentions) notify(model, by, { user, kind: 'MENTION', subject: message.id });
    const other = otherOf(conversation, by);
    if (other !== null && !model.here.has(other)) notify(model, by, { user: other, kind: 'MESSAGE', subject: conversation.id });
    return message.id;
  },

  editMessage: (model, by, { messageId, body }) => {
    const { conversation, message } = messageOf(model, by, messageId);
    demand(message.author === by && mayTalk(model, conversation, by), 'FORBIDDEN');
    demand(!message.isDeleted, 'CONFLICT');
    if (body === message.body) return;
    const before = message.mentions;
    message.body = body;
    message.isEdited = true;
    message.mentions = mentionedIn(model, conversation, by, body);
    conversation.events.push(`MessageEdited ${messageId}`);
    for (const user of before) if (!message.mentions.includes(user)) withdraw(model, by, { user, kind: 'MENTION', subject: messageId });
    for (const user of message.mentions) if (!before.includes(user)) notify(model, by, { user, kind: 'MENTION', subject: messageId });
  },

  deleteMessage: (model, by, { messageId }) => {
    const { conversation, message } = messageOf(model, by, messageId);
    demand(message.author === by || conversation.owner === by, 'FORBIDDEN');
    if (message.isDeleted) return;
    for (const user of message.mentions) withdraw(model, message.author, { user, kind: 'MENTION', subject: messageId });
    Object.assign(message, { isDeleted: true, body: '', mentions: [], reactions: [] });
    conversation.events.push(`MessageDeleted ${messageId}`);
  },

  addReaction: (model, by, { messageId, emoji }) => {
    const { conversation, message } = messageOf(model, by, messageId);
    demand(mayTalk(model, conversation, by), 'FORBIDDEN');
    demand(!message.isDeleted, 'CONFLICT');
    if (message.reactions.some((each) => each.user === by && each.emoji === emoji)) return;
    message.reactions = [...message.reactions, { emoji, user: by }];
    conversation.events.push(`ReactionsChanged ${messageId}`);
  },

  removeReaction: (model, by, { messageId, emoji }) => {
    const { conversation, message } = messageOf(model, by, messageId);
    const rest = message.reactions.filter((each) => each.user !== by || each.emoji !== emoji);
    if (rest.length === message.reactions.length) return;
    message.reactions = rest;
    conversation.events.push(`ReactionsChanged ${messageId}`);
  },

  markRead: (model, by, { conversationId, cursor }) => {
    const conversation = ownOf(model, by, conversationId);
    const read = 1 + conversation.messages.findIndex(({ id }) => id === cursor.replace('cursorOf_', ''));
    demand(read > 0, 'BAD_USER_INPUT');
    const member = memberOf(conversation, by);
    member.read = Math.max(member.read, read);
    if (unreadBy(conversation, by) === 0)
      markAsRead(model, (each) => each.user === by && each.kind === 'MESSAGE' && each.subject === conversationId);
  },

  createPost: (model, by) => {
    const post = { id: nameFor(model, 'post'), author: by, likes: [], comments: [] };
    model.posts.push(post);
    return post.id;
  },

  likePost: (model, by, { postId }) => {
    const post = called(model.posts, postId);
    if (post.likes.includes(by)) return;
    post.likes = [...post.likes, by];
    notify(model, by, { user: post.author, kind: 'LIKE', subject: postId });
  },

  unlikePost: (model, by, { postId }) => {
    const post = called(model.posts, postId);
    if (!post.likes.includes(by)) return;
    post.likes = post.likes.filter((user) => user !== by);
    withdraw(model, by, { user: post.author, kind: 'LIKE', subject: postId });
  },

  addComment: (model, by, { postId, body, replyToId }) => {
    const post = called(model.posts, postId);
    const answered = post.comments.find(({ id, isDeleted }) => id === replyToId && !isDeleted);
    demand(replyToId === null || answered !== undefined, 'BAD_USER_INPUT');
    demand(!areApart(model, by, post.author) && !(answered && areApart(model, by, answered.author)), 'FORBIDDEN');
    const comment = { id: nameFor(model, 'comment'), author: by, body, replyTo: replyToId, isDeleted: false };
    post.comments.push(comment);
    for (const heard of hearOf(post, comment)) notify(model, by, heard);
    return comment.id;
  },

  deleteComment: (model, by, { id }) => {
    const post = model.posts.find(({ comments }) => comments.some((each) => each.id === id));
    const comment = called(post?.comments ?? [], id);
    demand(!comment.isDeleted, 'NOT_FOUND');
    demand(comment.author === by, 'FORBIDDEN');
    comment.isDeleted = true;
    // Nobody needs to hear of replies to what they have taken back.
    const ofReplies: Heard = { user: comment.author, kind: 'COMMENT', subject: id };
    for (const each of model.notifications) if (!each.isRead && isSame(each, ofReplies)) each.actors = [];
    if (!post) return;
    // Who has commented several times has still done so.
    const left = post.comments.filter((each) => each.author === by && !each.isDeleted).flatMap((each) => hearOf(post, each));
    for (const heard of hearOf(post, comment)) if (!left.some((each) => isSame(each, heard))) withdraw(model, by, heard);
  },

  followUser: (model, by, { userId }) => {
    demand(userId !== by, 'BAD_USER_INPUT');
    demand(!areApart(model, by, userId), 'FORBIDDEN');
    if (has(model.follows, by, userId)) return;
    model.follows = [...model.follows, [by, userId]];
    notify(model, by, { user: userId, kind: 'FOLLOW', subject: userId });
  },

  unfollowUser: (model, by, { userId }) => unfollow(model, by, userId),

  blockUser: (model, by, { userId }) => {
    demand(userId !== by, 'BAD_USER_INPUT');
    if (has(model.blocks, by, userId)) return;
    model.blocks = [...model.blocks, [by, userId]];
    model.pastBlocks = [...model.pastBlocks, [by, userId]];
    unfollow(model, by, userId);
    unfollow(model, userId, by);
  },

  unblockUser: (model, by, { userId }) => {
    model.blocks = without(model.blocks, by, userId);
  },

  markNotificationsRead: (model, by, input) => {
    if ('all' in input) {
      markAsRead(model, ({ user }) => user === by);
      return;
    }
    const meant = input.ids.map((id) => model.notifications.find((each) => !each.isRead && notificationName(each) === id));
    demand(
      meant.every((each) => each?.user === by),
      'NOT_FOUND',
    );
    markAsRead(model, (each) => meant.includes(each));
  },
};

// ---------------------------------------------------------------- people

export const areApart = ({ blocks }: Model, one: string, other: string): boolean => has(blocks, one, other) || has(blocks, other, one);

export const has = (pairs: readonly Pair[], by: string, whom: string): boolean => pairs.some((pair) => pair[0] === by && pair[1] === whom);

const without = (pairs: readonly Pair[], by: string, whom: string): Pair[] => pairs.filter((pair) => pair[0] !== by || pair[1] !== whom);

const unfollow = (model: Model, by: string, whom: string): void => {
  if (!has(model.follows, by, whom)) return;
  model.follows = without(model.follows, by, whom);
  withdraw(model, by, { user: whom, kind: 'FOLLOW', subject: whom });
};

// ---------------------------------------------------------------- conversations

export const isMember = ({ members }: Conversation, user: string): boolean => members.some((member) => member.user === user);

const memberOf = ({ members }: Pick<Conversation, 'members'>, user: string): Member => {
  const member = members.find((each) => each.user === user);
  if (!member) throw new Error(`${user} is no member.`);
  return member;
};

const begin = (model: Model, given: Pick<Conversation, 'kind' | 'title' | 'owner'>, users: readonly string[]): Conversation => {
  const conversation: Conversation = {
    ...given,
    id: nameFor(model, 'conversation'),
    members: [],
    messages: [],
    events: [],
    activeAt: model.now,
  };
  model.conversations.push(conversation);
  for (const user of users) join(model, conversation, user);
  return conversation;
};

const join = (model: Model, conversation: Conversation, user: string): void => {
  const { length } = conversation.messages;
  conversation.members.push({ user, joinedAt: model.now, joinedAfter: length, read: length });
  conversation.events.push(`MemberJoined ${user}`);
};

/** Those who have come by the same act stand in an order that is the server's to choose; from then on it is theirs. */
export const orderMembers = (conversation: Conversation, shown: readonly string[]): void => {
  conversation.members.sort((one, other) => one.joinedAt - other.joinedAt || shown.indexOf(one.user) - shown.indexOf(other.user));
};

/** What they were named in, and have not read, leads them nowhere any more. */
const leave = (model: Model, conversation: Conversation, user: string): void => {
  conversation.members = conversation.members.filter((member) => member.user !== user);
  for (const { id, author, mentions } of conversation.messages)
    if (mentions.includes(user)) withdraw(model, author, { user, kind: 'MENTION', subject: id });
  conversation.events.push(`MemberLeft ${user}`);
};

const passOn = (conversation: Conversation, user: string): void => {
  conversation.owner = user;
  conversation.events.push(`OwnerChanged ${user}`);
};

/** A conversation as one of its members finds it. */
const ownOf = (model: Model, by: string, id: string): Conversation => {
  const conversation = called(model.conversations, id);
  demand(isMember(conversation, by), 'NOT_FOUND');
  return conversation;
};

/** The same as its owner does. */
const ownedBy = (model: Model, by: string, id: string): Conversation => {
  const conversation = ownOf(model, by, id);
  demand(conversation.kind !== 'DIRECT', 'BAD_USER_INPUT');
  demand(conversation.owner === by, 'FORBIDDEN');
  return conversation;
};

/** A message as a member of its conversation finds it. */
const messageOf = (model: Model, by: string, id: string): { readonly conversation: Conversation; readonly message: Message } => {
  const found = model.conversations.find(({ messages }) => messages.some((message) => message.id === id));
  // Whoever has left knows what they have written there.
  const isOwn = found?.messages.some((message) => message.id === id && message.author === by) === true;
  demand(!isOwn || isMember(found, by), 'FORBIDDEN');
  const conversation = ownOf(model, by, found?.id ?? id);
  return { conversation, message: called(conversation.messages, id) };
};

/** Whom one talks to in a direct conversation. */
const otherOf = ({ kind, members }: Conversation, user: string): string | null =>
  kind === 'DIRECT' ? (members.find((member) => member.user !== user)?.user ?? null) : null;

/** A block keeps two people from talking where nobody else is. */
const mayTalk = (model: Model, conversation: Conversation, by: string): boolean => {
  const other = otherOf(conversation, by);
  return other === null || !areApart(model, by, other);
};

const mentionedIn = (model: Model, conversation: Conversation, by: string, body: string): string[] =>
  model.users.filter((user) => body.split(' ').includes(`@${user}`) && isMember(conversation, user) && !areApart(model, by, user));

export const unreadBy = ({ members, messages }: Pick<Conversation, 'members' | 'messages'>, user: string): number =>
  messages.slice(memberOf({ members }, user).read).filter(({ author, isDeleted }) => author !== user && !isDeleted).length;

// ---------------------------------------------------------------- notifications

/** What is unread is called by what it is about: there is one of each. */
export const notificationName = ({ user, kind, subject }: Heard): string => `${kind}_of_${subject}_for_${user}`;

const isSame = (one: Heard, other: Heard): boolean => notificationName(one) === notificationName(other);

/** Of a comment the author of what it answers hears, and the author of the post, if that is somebody else. */
const hearOf = (post: Post, { replyTo }: Comment): Heard[] => {
  const answered = post.comments.find(({ id }) => id === replyTo);
  const ofReply: Heard[] = answered ? [{ user: answered.author, kind: 'COMMENT', subject: answered.id }] : [];
  return answered?.author === post.author ? ofReply : [...ofReply, { user: post.author, kind: 'COMMENT', subject: post.id }];
};

/** Nobody hears of their own acts, nor of those of one with whom they are kept apart. What comes together while unread is one. */
const notify = (model: Model, by: string, heard: Heard): void => {
  if (heard.user === by || areApart(model, heard.user, by)) return;
  const open = model.notifications.find((each) => !each.isRead && isSame(each, heard));
  if (open) open.actors = [by, ...open.actors.filter((user) => user !== by)];
  else model.notifications.push({ ...heard, actors: [by], isRead: false });
};

/** What has been read stays. */
const withdraw = (model: Model, by: string, heard: Heard): void => {
  const open = model.notifications.find((each) => !each.isRead && isSame(each, heard));
  if (open) open.actors = open.actors.filter((user) => user !== by);
};

const markAsRead = (model: Model, isMeant: (notification: Notification) => boolean): void => {
  for (const notification of model.notifications) if (isMeant(notification)) notification.isRead = true;
};

/** What has been taken back whole is shown no more. */
export const notificationsOf = (model: Model, user: string): Notification[] =>
  model.notifications.filter((each) => each.user === user && each.actors.length > 0);

// ---------------------------------------------------------------- names

/** The thing of this name. */
export const called = <Thing extends { readonly id: string }>(things: readonly Thing[], id: string): Thing => {
  const thing = things.find((each) => each.id === id);
  if (!thing) throw new Error(`There is no ${id}.`);
  return thing;
};

const nameFor = (model: Model, what: string): string => `${what}${(model.things += 1)}`;
