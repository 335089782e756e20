import type {
  AddCommentInput,
  ApiKeyScope,
  CreateEntryInput,
  CreatePostInput,
  CreateRoomInput,
  SendMessageInput,
} from '../generated/texts/graphql.js';
import type { Api, As } from './api.js';
import { PASSWORD, type TestUser } from './app.js';
import { graphql, present } from './graphql.js';
import { makePasskey } from './passkey.js';
import { codeAt } from './totp.js';

/*
 * What tests begin with, made through the API as a client makes it. A user is made by `app.user`.
 */

type App = Pick<Api, 'data'>;

export const JoinAsGuest = graphql(
  `mutation JoinAsGuest($displayName: String!) { joinAsGuest(input: { displayName: $displayName }) { user { id username } credentials { accessToken refreshToken } } }`,
);
export const LogIn = graphql(
  `mutation LogIn($identifier: String!, $password: String!) { login(input: { identifier: $identifier, password: $password }) { user { id } credentials { accessToken refreshToken } } }`,
);
export const CreatePost = graphql(
  `mutation CreatePost($input: CreatePostInput!) { createPost(input: $input) { post { id body clientId createdAt commentCursor } } }`,
);
export const AddComment = graphql(
  `mutation AddComment($input: AddCommentInput!) { addComment(input: $input) { comment { id body clientId } } }`,
);
export const CreateEntry = graphql(
  `mutation CreateEntry($input: CreateEntryInput!) { createEntry(input: $input) { entry { id slug title version } } }`,
);
const StartDirect = graphql(
  `mutation StartDirect($userId: ID!) { startDirect(input: { userId: $userId }) { conversation { id cursor } } }`,
);
const AcceptRequest = graphql(`mutation AcceptRequest($id: ID!) { acceptRequest(input: { conversationId: $id }) { conversation { id } } }`);
const CreateGroup = graphql(
  `mutation CreateGroup($input: CreateGroupInput!) { createGroup(input: $input) { conversation { id cursor } } }`,
);
const CreateRoom = graphql(
  `mutation CreateRoom($input: CreateRoomInput!) { createRoom(input: $input) { conversation { id cursor joinCode } } }`,
);
export const SendMessage = graphql(
  `mutation SendMessage($input: SendMessageInput!) { sendMessage(input: $input) { cursor message { id seq } } }`,
);
export const FollowUser = graphql(`mutation FollowUser($userId: ID!) { followUser(input: { userId: $userId }) { user { id } } }`);
const StartTotp = graphql(`mutation FactoryStartTotp($input: StartTotpInput!) { startTotp(input: $input) { secret } }`);
const ConfirmTotp = graphql(`mutation FactoryConfirmTotp($input: ConfirmTotpInput!) { confirmTotp(input: $input) { recoveryCodes } }`);
const StartPasskey = graphql(`mutation FactoryStartPasskey($input: StartPasskeyInput!) { startPasskey(input: $input) { token options } }`);
const AddPasskey = graphql(`mutation FactoryAddPasskey($input: AddPasskeyInput!) { addPasskey(input: $input) { passkey { id } } }`);
export const CreateApiKey = graphql(
  `mutation CreateApiKey($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret apiKey { id name start scopes createdAt expiresAt lastUsedAt } me { apiKeys { id } } } }`,
);
const BlockUser = graphql(`mutation BlockUser($userId: ID!) { blockUser(input: { userId: $userId }) { user { id } } }`);

/** A user without a password. */
export const aGuest = async (app: App, displayName = 'Guest'): Promise<TestUser> => {
  const { user, credentials } = (await app.data(JoinAsGuest, { displayName })).joinAsGuest;
  return { ...user, token: credentials.accessToken, refreshToken: present(credentials.refreshToken) };
};

/** A user on a further device, with a session of its own. */
export const aSession = async (
  app: App,
  { username }: Pick<TestUser, 'username'>,
  device: As = {},
  password = PASSWORD,
): Promise<TestUser> => {
  const { user, credentials } = (await app.data(LogIn, { identifier: username, password }, device)).login;
  return { username, id: user.id, token: credentials.accessToken, refreshToken: present(credentials.refreshToken) };
};

/** The same user as a program with a key acts for them. */
export const anApiKey = async (
  app: App,
  owner: TestUser,
  scopes: ApiKeyScope[] = ['READ'],
): Promise<TestUser & { readonly keyId: string }> => {
  const { apiKey, secret } = (await app.data(CreateApiKey, { input: { name: 'A program', scopes } }, owner)).createApiKey;
  return { ...owner, token: secret, keyId: apiKey.id };
};

/** A passkey of theirs, which ends all their other sessions when it is the first. @returns its id */
export const aPasskey = async (app: App, owner: TestUser): Promise<string> => {
  const { token, options } = (await app.data(StartPasskey, { input: { password: PASSWORD } }, owner)).startPasskey;
  const { credential } = makePasskey(options);
  return (await app.data(AddPasskey, { input: { token, credential, name: 'A passkey' } }, owner)).addPasskey.passkey.id;
};

/** The codes of an app for them, which ends all their other sessions. @param at the time of the app */
export const aSecondFactor = async (
  app: App,
  owner: TestUser,
  at: number,
): Promise<{ readonly secret: string; readonly recoveryCodes: readonly string[] }> => {
  const { secret } = (await app.data(StartTotp, { input: { password: PASSWORD } }, owner)).startTotp;
  const { recoveryCodes } = (await app.data(ConfirmTotp, { input: { code: codeAt(secret, at) } }, owner)).confirmTotp;
  return { secret, recoveryCodes: present(recoveryCodes) };
};

export const aPost = async (app: App, author: As, input: Partial<CreatePostInput> = {}) =>
  (await app.data(CreatePost, { input: { body: 'Hello', ...input } }, author)).createPost.post;

export const aComment = async (app: App, author: As, postId: string, input: Partial<AddCommentInput> = {}) =>
  (await app.data(AddComment, { input: { postId, body: 'Indeed', ...input } }, author)).addComment.comment;

export const anEntry = async (app: App, author: As, input: Partial<CreateEntryInput> = {}) =>
  (await app.data(CreateEntry, { input: { title: 'A title', content: 'Some content', ...input } }, author)).createEntry.entry;

/** Only members see the cursor of a conversation, and these are all made by one. */
const withCursor = <Conversation extends { readonly cursor: string | null }>(conversation: Conversation) => ({
  ...conversation,
  cursor: present(conversation.cursor),
});

/** A conversation of two who are no strangers, or are none any more. */
export const aDirect = async (app: App, user: As, other: TestUser) => {
  const conversation = withCursor((await app.data(StartDirect, { userId: other.id }, user)).startDirect.conversation);
  await app.data(AcceptRequest, { id: conversation.id }, other);
  return conversation;
};

/** A conversation that a stranger has begun. */
export const aRequest = async (app: App, stranger: As, { id: userId }: Pick<TestUser, 'id'>) =>
  withCursor((await app.data(StartDirect, { userId }, stranger)).startDirect.conversation);

export const aGroup = async (app: App, owner: As, others: readonly TestUser[], title = 'Group') =>
  withCursor((await app.data(CreateGroup, { input: { title, memberIds: others.map(({ id }) => id) } }, owner)).createGroup.conversation);

export const aRoom = async (app: App, owner: As, input: CreateRoomInput = {}) => {
  const room = withCursor((await app.data(CreateRoom, { input }, owner)).createRoom.conversation);
  return { ...room, joinCode: present(room.joinCode) };
};

/** A message, with the cursor of its event. */
export const aMessage = async (
  app: App,
  author: As,
  conversationId: string,
  input: string | Omit<SendMessageInput, 'conversationId'> = 'Hello',
) => {
  const given = typeof input === 'string' ? { body: input } : input;
  const { cursor, message } = (await app.data(SendMessage, { input: { conversationId, ...given } }, author)).sendMessage;
  return { ...message, cursor };
};

export const aFollow = async (app: App, follower: As, followee: TestUser): Promise<void> => {
  await app.data(FollowUser, { userId: followee.id }, follower);
};

export const aBlock = async (app: App, blocker: As, blocked: TestUser): Promise<void> => {
  await app.data(BlockUser, { userId: blocked.id }, blocker);
};
