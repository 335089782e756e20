import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { aBlock, aComment, aDirect, aGroup, aMessage, anEntry, aPost } from '../kit/factories.js';
import { graphql, present, type TypedText } from '../kit/graphql.js';

const Can = graphql(`
  query ViewerCan($id: ID!) {
    node(id: $id) {
      ... on Post { viewerCanEdit viewerCanDelete }
      ... on Comment { viewerCanEdit viewerCanDelete }
      ... on Entry { viewerCanEdit viewerCanDelete }
      ... on Message { viewerCanEdit viewerCanDelete }
      ... on Category { viewerCanEdit viewerCanDelete }
      ... on Conversation { viewerCanEdit }
    }
  }
`);
const EditPost = graphql(`mutation CanEditPost($id: ID!) { updatePost(input: { id: $id, body: "edited" }) { post { id } } }`);
const DeletePost = graphql(`mutation CanDeletePost($id: ID!) { deletePost(input: { id: $id }) { postId } }`);
const EditComment = graphql(`mutation CanEditComment($id: ID!) { updateComment(input: { id: $id, body: "edited" }) { comment { id } } }`);
const DeleteComment = graphql(`mutation CanDeleteComment($id: ID!) { deleteComment(input: { id: $id }) { commentId } }`);
const EditEntry = graphql(
  `mutation CanEditEntry($id: ID!) { updateEntry(input: { id: $id, expectedVersion: 1, title: "edited" }) { entry { id } } }`,
);
const DeleteEntry = graphql(`mutation CanDeleteEntry($id: ID!) { deleteEntry(input: { id: $id }) { entryId } }`);
const EditMessage = graphql(
  `mutation CanEditMessage($id: ID!) { editMessage(input: { messageId: $id, body: "edited" }) { message { id } } }`,
);
const DeleteMessage = graphql(`mutation CanDeleteMessage($id: ID!) { deleteMessage(input: { messageId: $id }) { messageId } }`);
const EditCategory = graphql(
  `mutation CanEditCategory($id: ID!) { updateCategory(input: { id: $id, description: "edited" }) { category { id } } }`,
);
const DeleteCategory = graphql(`mutation CanDeleteCategory($id: ID!) { deleteCategory(input: { id: $id }) { categoryId } }`);
const Rename = graphql(
  `mutation CanRename($id: ID!) { renameConversation(input: { conversationId: $id, title: "edited" }) { conversation { id } } }`,
);
const CreateCategory = graphql(
  `mutation CanCreateCategory($name: String!) { createCategory(input: { name: $name, color: "#123456" }) { category { id } } }`,
);

type Act = TypedText<unknown, { id: string }>;

let app: TestApp;
/** Of the group, the owner; a message's author; another member; nobody in it. */
let owner: TestUser;
let author: TestUser;
let member: TestUser;
let stranger: TestUser;
let moderator: TestUser;
beforeAll(async () => {
  app = await startTestApp();
  [owner, author, member, stranger] = await Promise.all([app.user('owner'), app.user('author'), app.user('member'), app.user('stranger')]);
  moderator = await app.userWithRole('mod', 'MODERATOR');
});
afterAll(() => app.stop());

const VIEWERS = ['owner', 'author', 'member', 'stranger', 'moderator', 'nobody'] as const;
type Viewer = (typeof VIEWERS)[number];
const viewer = (name: Viewer): TestUser | undefined => ({ owner, author, member, stranger, moderator, nobody: undefined })[name];

const groupMessage = async (): Promise<string> => {
  const { id: conversationId } = await aGroup(app, owner, [author, member]);
  return (await aMessage(app, author, conversationId)).id;
};
let categories = 0;
const category = async (): Promise<string> =>
  (await app.data(CreateCategory, { name: `Category ${(categories += 1)}` }, moderator)).createCategory.category.id;

interface Subject {
  readonly make: () => Promise<string>;
  readonly edit: Act;
  readonly remove: Act | null;
}
const SUBJECTS: Readonly<Record<string, Subject>> = {
  Post: { make: async () => (await aPost(app, author)).id, edit: EditPost, remove: DeletePost },
  Comment: { make: async () => (await aComment(app, author, (await aPost(app, owner)).id)).id, edit: EditComment, remove: DeleteComment },
  Entry: { make: async () => (await anEntry(app, author)).id, edit: EditEntry, remove: DeleteEntry },
  Message: { make: groupMessage, edit: EditMessage, remove: DeleteMessage },
  Category: { make: category, edit: EditCategory, remove: DeleteCategory },
  Conversation: { make: async () => (await aGroup(app, owner, [author, member])).id, edit: Rename, remove: null },
};

/** What a viewer is told; null of what they do not see. */
const told = async (as: TestUser | undefined, id: string): Promise<{ readonly edit: boolean; readonly remove: boolean } | null> => {
  const { node } = await app.data(Can, { id }, as ?? {});
  const can = node as { viewerCanEdit: boolean; viewerCanDelete?: boolean } | null;
  return can && { edit: can.viewerCanEdit, remove: can.viewerCanDelete ?? false };
};
const succeeds = async (act: Act, id: string, as: TestUser | undefined): Promise<boolean> =>
  (await app.execute(act, { id }, as ?? {})).errors === undefined;

describe('what a viewer is told that they can do is what they can do', () => {
  it.each(Object.keys(SUBJECTS).flatMap((subject) => VIEWERS.map((name) => [subject, name] as const)))(
    'with a %s as %s',
    async (subject, name) => {
      const { make, edit, remove } = present(SUBJECTS[subject]);
      const id = await make();
      const can = await told(viewer(name), id);
      expect(await succeeds(edit, id, viewer(name))).toBe(can?.edit ?? false);
      // A moderator may delete a message of a conversation that they are no member of, such as one that was reported, without seeing it.
      if (remove && can) expect(await succeeds(remove, id, viewer(name))).toBe(can.remove);
    },
  );

  it('with a message to somebody who has blocked its author', async () => {
    const { id: conversationId } = await aDirect(app, author, stranger);
    const message = await aMessage(app, author, conversationId);
    await aBlock(app, stranger, author);
    const can = await told(author, message.id);
    expect(can).toEqual({ edit: false, remove: true });
    expect(await succeeds(EditMessage, message.id, author)).toBe(false);
    expect(await succeeds(DeleteMessage, message.id, author)).toBe(true);
  });

  it('with a comment that is deleted', async () => {
    const { id } = await aComment(app, author, (await aPost(app, author)).id);
    await app.data(DeleteComment, { id }, author);
    expect(await told(author, id)).toEqual({ edit: false, remove: false });
  });
});
