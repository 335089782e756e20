import type { Api, As } from './api.js';
import { graphql, present } from './graphql.js';
import type { UpdateEntryInput } from '../generated/texts/graphql.js';

/*
 * What people do and look up again and again. What a test begins with is made by the factories.
 */

type App = Pick<Api, 'data'>;

export const LikePost = graphql(`mutation LikePost($postId: ID!) { likePost(input: { postId: $postId }) { likeCount } }`);
export const UnlikePost = graphql(`mutation UnlikePost($postId: ID!) { unlikePost(input: { postId: $postId }) { likeCount } }`);
const JoinRoom = graphql(`mutation JoinRoom($code: String!) { joinRoom(input: { code: $code }) { conversation { id } } }`);
export const LeaveConversation = graphql(
  `mutation LeaveConversation($conversationId: ID!) { leaveConversation(input: { conversationId: $conversationId }) { conversationId } }`,
);
export const RefreshSession = graphql(
  `mutation RefreshSession($refreshToken: String!) { refreshSession(input: { refreshToken: $refreshToken }) { credentials { accessToken refreshToken } } }`,
);
export const LogOut = graphql(`mutation LogOut { logout { ok } }`);
const CursorOfConversation = graphql(`query CursorOfConversation($id: ID!) { conversation(id: $id) { cursor } }`);
const CursorOfComments = graphql(`query CursorOfComments($id: ID!) { post(id: $id) { commentCursor } }`);
const CursorOfNotifications = graphql(`query CursorOfNotifications { me { notificationCursor } }`);
export const EditEntry = graphql(
  `mutation EditEntry($input: UpdateEntryInput!) { updateEntry(input: $input) { entry { id version title } } }`,
);
const RevisionsOfEntry = graphql(`query RevisionsOfEntry($id: ID!) { entry(id: $id) { revisions { nodes { id } } } }`);
const StatusOf = graphql(`query StatusOf($ids: [ID!]!) { presence(userIds: $ids) { status } }`);

export const like = async (app: App, user: As, postId: string) => (await app.data(LikePost, { postId }, user)).likePost;

export const unlike = async (app: App, user: As, postId: string) => (await app.data(UnlikePost, { postId }, user)).unlikePost;

export const editEntry = async (app: App, author: As, input: UpdateEntryInput) =>
  (await app.data(EditEntry, { input }, author)).updateEntry.entry;

/** The ids of what an entry said in its latest versions, the present one first. */
export const revisionsOf = async (app: App, user: As, entryId: string): Promise<string[]> =>
  present((await app.data(RevisionsOfEntry, { id: entryId }, user)).entry).revisions.nodes.map(({ id }) => id);

export const joinRoom = async (app: App, user: As, code: string): Promise<void> => {
  await app.data(JoinRoom, { code }, user);
};

export const leaveConversation = async (app: App, member: As, conversationId: string): Promise<void> => {
  await app.data(LeaveConversation, { conversationId }, member);
};

export const logOut = async (app: App, user: As): Promise<void> => {
  await app.data(LogOut, {}, user);
};

/** Where the log of a conversation has come to, which only its members see. */
export const cursorOf = async (app: App, member: As, conversationId: string): Promise<string> =>
  present((await app.data(CursorOfConversation, { id: conversationId }, member)).conversation.cursor);

/** Where the log of a post has come to. */
export const commentCursorOf = async (app: App, postId: string): Promise<string> =>
  (await app.data(CursorOfComments, { id: postId })).post.commentCursor;

/** Where the log of somebody's notifications has come to. */
export const notificationCursorOf = async (app: App, user: As): Promise<string> =>
  (await app.data(CursorOfNotifications, {}, user)).me.notificationCursor;

/** Whether these are here, in the order in which they are named. */
export const statusOf = async (app: App, ...ids: readonly string[]) =>
  (await app.data(StatusOf, { ids: [...ids] })).presence.map(({ status }) => status);
