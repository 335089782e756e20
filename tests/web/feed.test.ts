import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { graphql } from '../kit/graphql.js';
import { aFollow } from '../kit/factories.js';
import { describeWeb, violationsInBothThemes } from './kit.js';

const WritePost = graphql(`
  mutation WritePostForFeedPage($body: String!) {
    createPost(input: { body: $body }) {
      post {
        id
      }
    }
  }
`);

const WriteComment = graphql(`
  mutation WriteCommentForFeedPage($postId: ID!, $body: String!) {
    addComment(input: { postId: $postId, body: $body }) {
      comment {
        id
      }
    }
  }
`);

describeWeb('the feed and its posts', ({ open }) => {
  let app: TestApp;
  let zoe: TestUser;
  let ada: TestUser;
  beforeAll(async () => {
    app = await startTestApp();
    [zoe, ada] = await Promise.all([app.user('zoe'), app.user('ada')]);
  });
  afterAll(async () => await app.stop());

  const writePost = async (as: TestUser, body: string): Promise<string> => (await app.data(WritePost, { body }, as)).createPost.post.id;

  test('says to a visitor what the feed is for, and leads back after signing in', async () => {
    const { page, close } = await open(app, { path: '/feed' });
    await page.getByRole('heading', { level: 1, name: 'Feed' }).waitFor();
    await page.getByText('Nobody has written yet').waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    expect(new URL(page.url()).searchParams.get('then')).toBe('/feed');
    await close();
  });

  test('a post is written with a mention, chosen by the keyboard', async () => {
    const { page, close } = await open(app, { as: zoe, path: '/feed' });
    const field = page.getByRole('textbox', { name: 'Write a post' });
    await field.focus();
    await page.keyboard.type('Good morning @ad');
    await page.getByRole('option', { name: /ada/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.type('and **everyone**');
    expect(await field.inputValue()).toBe('Good morning @ada and **everyone**');
    await page.keyboard.press('Control+Enter');
    const post = page.getByRole('article').filter({ hasText: 'Good morning @ada and everyone' });
    await post.waitFor();
    await expect.poll(() => field.inputValue()).toBe('');
    await page.evaluate('window.isSame = true');
    await post.getByRole('link', { name: '@ada', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'ada' }).waitFor();
    expect(await page.evaluate<unknown>('window.isSame')).toBe(true);
    await close();
  });

  test('a like and a comment of one appear to another who looks at the feed', async () => {
    const id = await writePost(zoe, 'Side by side');
    const one = await open(app, { as: zoe, path: '/feed' });
    const other = await open(app, { as: ada, path: '/feed?of=everyone' });
    const cardOf = (page: typeof one.page) => page.getByRole('article').filter({ hasText: 'Side by side' });
    await cardOf(one.page).getByText('0 likes').waitFor({ state: 'attached' });
    await cardOf(other.page).getByRole('button', { name: /^Like/ }).click();
    await cardOf(one.page).getByText('1 like').waitFor({ state: 'attached' });
    await app.data(WriteComment, { postId: id, body: 'Hello' }, ada);
    for (const { page } of [one, other]) await cardOf(page).getByRole('link', { name: '1 comment' }).waitFor();
    await one.close();
    await other.close();
  });

  test('a comment, a reply and an edit appear in the thread of another without loading it again', async () => {
    const id = await writePost(zoe, 'A thread');
    const one = await open(app, { as: zoe, path: `/posts/${id}` });
    const other = await open(app, { as: ada, path: `/posts/${id}` });
    await other.page.getByRole('textbox', { name: 'Write a comment' }).fill('First thought');
    await other.page.getByRole('button', { name: 'Comment', exact: true }).click();
    const first = one.page.getByRole('article', { name: 'Comment by ada' });
    await first.getByText('First thought').waitFor();
    await first.getByRole('button', { name: 'Reply' }).click();
    await one.page.getByRole('textbox', { name: 'Reply to ada' }).fill('Second thought');
    await one.page.keyboard.press('Control+Enter');
    const reply = other.page.getByRole('list').getByRole('list').getByRole('article', { name: 'Comment by zoe' });
    await reply.getByText('Second thought').waitFor();
    await one.page.getByRole('button', { name: 'More about the comment by zoe' }).click();
    await one.page.getByRole('menuitem', { name: 'Edit' }).click();
    await one.page.getByRole('textbox', { name: 'Text of the comment' }).fill('Third thought');
    await one.page.getByRole('button', { name: 'Save' }).click();
    await reply.getByText('Third thought').waitFor();
    await one.close();
    await other.close();
  });

  test('newer posts of those whom one follows are announced as they come, and shown when asked for', async () => {
    const [dan, fay] = [await app.user('dan'), await app.user('fay')];
    await aFollow(app, dan, fay);
    await writePost(fay, 'Was there before');
    const { page, close } = await open(app, { as: dan, path: '/feed' });
    await page.getByText('Was there before').waitFor();
    await expect.poll(() => app.services.hub.stats().subscribers).toBeGreaterThan(2);
    await writePost(zoe, 'Of somebody else');
    const gone = await writePost(fay, 'Not there any more');
    await writePost(fay, 'Fresh from the press');
    await page.getByRole('button', { name: '2 new posts' }).waitFor();
    await app.data('mutation ($id: ID!) { deletePost(input: { id: $id }) { __typename } }', { id: gone }, fay);
    expect(await page.getByText('Fresh from the press').count()).toBe(0);
    await page.getByRole('button', { name: '2 new posts' }).click();
    await page.getByText('Fresh from the press').waitFor();
    await page.getByRole('button', { name: /new post/ }).waitFor({ state: 'detached' });
    expect(await page.getByText('Of somebody else').count()).toBe(0);
    await close();
  });

  test("newer posts among everyone's are announced to a visitor who looks at the page again", async () => {
    const { page, close } = await open(app, { path: '/feed' });
    await page.getByRole('article').first().waitFor();
    await writePost(ada, 'For everyone');
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await page.getByRole('button', { name: '1 new post' }).click();
    await page.getByText('For everyone').waitFor();
    await page.getByRole('button', { name: '1 new post' }).waitFor({ state: 'detached' });
    await close();
  });

  test('a like that does not arrive is taken back in words', async () => {
    const id = await writePost(ada, 'Liked in vain');
    const { page, close, complaints } = await open(app, { as: zoe, path: `/posts/${id}` });
    const like = page.getByRole('article').first().getByRole('button', { name: /^Like/ });
    await like.waitFor();
    await page.route('**/graphql', async (route) => {
      if ((route.request().postData() ?? '').includes('LikePost')) await route.abort();
      else await route.continue();
    });
    await like.click();
    await page.getByText('Your like did not arrive').waitFor();
    expect(await like.getAttribute('aria-pressed')).toBe('false');
    await page.getByText('0 likes').waitFor({ state: 'attached' });
    complaints();
    await close();
  });

  test('back keeps the place in a long list', async () => {
    const bea = await app.user('bea');
    for (let number = 0; number < 45; number += 1) await writePost(bea, `Line ${number}`);
    const { page, close } = await open(app, { as: bea, path: '/feed' });
    const card = page.getByRole('article').filter({ has: page.getByText('Line 9', { exact: true }) });
    await page.getByText('Line 44', { exact: true }).waitFor();
    const there = async (): Promise<boolean> => (await page.getByText('Line 9', { exact: true }).count()) > 0;
    await expect
      .poll(
        async () => {
          if (!(await there())) await page.evaluate('document.getElementById("page").scrollBy(0, 400)');
          return await there();
        },
        { timeout: 30_000 },
      )
      .toBe(true);
    await page.getByText('Line 9', { exact: true }).scrollIntoViewIfNeeded();
    const before = await page.evaluate<number>('document.getElementById("page").scrollTop');
    // A click of the mouse may scroll before: the link need not be seen where the text is.
    await card.getByRole('link', { name: '0 comments' }).dispatchEvent('click');
    await page.getByRole('heading', { level: 1, name: 'Post by bea' }).waitFor();
    await page.goBack();
    await page.getByText('Line 9', { exact: true }).waitFor();
    await expect
      .poll(async () => Math.abs((await page.evaluate<number>('document.getElementById("page").scrollTop')) - before))
      .toBeLessThan(4);
    await close();
  });

  test('somebody is found by their name, followed from their profile, and stands in the feed', async () => {
    await writePost(ada, 'For those who follow me');
    const cem = await app.user('cem');
    const { page, close } = await open(app, { as: cem, path: '/feed' });
    await page.getByText('You follow nobody who has written').waitFor();
    await page.getByRole('link', { name: 'Find people' }).click();
    await page.getByLabel('Find somebody by their name').fill('ad');
    await page.getByRole('listitem').getByRole('link', { name: /@ada/ }).click();
    await page.getByRole('heading', { level: 1, name: 'ada' }).waitFor();
    await page.getByRole('button', { name: 'Follow', exact: true }).click();
    await page.getByRole('button', { name: 'Following', exact: true }).waitFor();
    await page.getByRole('link', { name: '1 follower' }).click();
    await page.getByRole('listitem').getByRole('link', { name: /@cem/ }).waitFor();
    expect(await page.getByRole('link', { name: 'Message', exact: true }).getAttribute('href')).toBe('/messages?to=ada');
    await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Feed' }).click();
    await page.getByText('For those who follow me').waitFor();
    await close();
  });

  test('a post is deleted after it was named, also before the eyes of another', async () => {
    const id = await writePost(zoe, 'Not for long');
    const one = await open(app, { as: zoe, path: `/posts/${id}` });
    const other = await open(app, { path: `/posts/${id}` });
    await other.page.getByRole('heading', { level: 1, name: 'Post by zoe' }).waitFor();
    await one.page.getByRole('button', { name: 'More about the post by zoe' }).click();
    await one.page.getByRole('menuitem', { name: 'Delete' }).click();
    const dialog = one.page.getByRole('dialog', { name: 'Delete this post?' });
    await dialog.getByText('Not for long').waitFor();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await one.page.getByRole('heading', { level: 1, name: 'Feed' }).waitFor();
    await other.page.getByText('This post has been deleted').waitFor();
    await one.close();
    await other.close();
  });

  test('posts and people that are not there are said to be not there', async () => {
    const { page, close } = await open(app, { path: '/people/nobody-at-all' });
    await page.getByRole('heading', { level: 1, name: 'There is nothing here' }).waitFor();
    await page.goto(new URL('/posts/nonsense', app.url).href);
    await page.getByRole('heading', { level: 1, name: 'There is nothing here' }).waitFor();
    await close();
  });

  test('axe has no objection to the feed, a thread, people and a profile, in both themes', async () => {
    const id = await writePost(zoe, 'A post with `code` and @ada');
    await app.data(WriteComment, { postId: id, body: 'A comment' }, zoe);
    const { page, close } = await open(app, { as: zoe, language: 'de' });
    for (const path of ['/feed', '/feed?of=everyone', `/posts/${id}`, '/people', '/people/ada', '/people/zoe?edit']) {
      await page.goto(new URL(path, app.url).href);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('main').getByRole('status').filter({ hasText: 'Wird geladen' }).waitFor({ state: 'detached' });
      expect({ path, found: await violationsInBothThemes(page) }).toEqual({ path, found: [] });
    }
    await close();
  });
});
