import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestUser } from '../kit/app.js';
import { EditEntry, editEntry } from '../kit/acts.js';
import { anEntry } from '../kit/factories.js';
import { graphql, present, type VariablesOf } from '../kit/graphql.js';

let app: TestApp;
let ada: TestUser;
let ben: TestUser;
let mod: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  [ada, ben, mod] = await Promise.all([app.user('ada'), app.user('ben'), app.userWithRole('mod', 'MODERATOR')]);
});
afterAll(() => app.stop());

const Delete = graphql(`mutation EventDelete($id: ID!) { deleteEntry(input: { id: $id }) { entryId } }`);
const Feature = graphql(
  `mutation EventFeature($id: ID!, $on: Boolean!) { featureEntry(input: { id: $id, isFeatured: $on }) { entry { isFeatured } } }`,
);
const Categorise = graphql(`mutation EventCategorise { createCategory(input: { name: "Followed" }) { category { id slug } } }`);
const Position = graphql(`query EventPosition($id: ID!) { entry(id: $id) { changeCursor } }`);
const ListPosition = graphql(`query EventListPosition($filter: EntriesBy) { entriesCursor(filter: $filter) }`);
const Follow = graphql(
  `subscription EventFollow($id: ID!, $after: String) { entryChanged(id: $id, after: $after) { cursor at kind entryId entry { title version isFeatured } } }`,
);
const FollowList = graphql(
  `subscription EventFollowList($filter: EntriesBy, $after: String) { entriesChanged(filter: $filter, after: $after) { cursor kind entryId entry { title } } }`,
);

const edit = (id: string, expectedVersion: number, changes: object) => editEntry(app, ada, { id, expectedVersion, ...changes });
const positionOf = async (id: string) => present((await app.data(Position, { id }, ada)).entry).changeCursor;

/** What somebody is told of an entry after a position. */
const told = async (id: string, after: string, count: number, as: TestUser | undefined = ben) => {
  const socket = app.connect(as);
  const events = await socket.subscribe(Follow, { id, after }).take(count);
  await socket.close();
  return events.map(({ entryChanged }) => entryChanged);
};
/** The same of a list of entries: the kinds and the entries. */
const toldOf = async (filter: VariablesOf<typeof FollowList>['filter'], after: string, count: number, as: TestUser = ben) => {
  const socket = app.connect(as);
  const events = await socket.subscribe(FollowList, { filter, after }).take(count);
  await socket.close();
  return events.map(({ entriesChanged: { kind, entryId } }) => [kind, entryId]);
};
const listPosition = async (filter?: VariablesOf<typeof ListPosition>['filter'], as = ben) =>
  present((await app.data(ListPosition, { filter }, as)).entriesCursor);

describe('whoever follows an entry', () => {
  it('is told of each change once and in order, and can go on where they were', async () => {
    const { id } = await anEntry(app, ada, { title: 'One' });
    const after = await positionOf(id);
    await edit(id, 1, { title: 'Two' });
    await app.data(Feature, { id, on: true }, mod);
    await edit(id, 2, { title: 'Three' });
    const events = await told(id, after, 3);
    expect(events.map(({ kind }) => kind)).toEqual(['CHANGED', 'FEATURED', 'CHANGED']);
    expect(events[2]).toMatchObject({ entryId: id, entry: { title: 'Three', version: 3, isFeatured: true } });
    expect(await told(id, present(events[0]).cursor, 2)).toEqual(events.slice(1));
  });

  it('is told nothing where nothing was changed', async () => {
    const { id } = await anEntry(app, ada, { title: 'One' });
    const after = await positionOf(id);
    await edit(id, 1, { title: 'One' });
    await app.data(Feature, { id, on: false }, mod);
    expect(await app.code(EditEntry, { input: { id, expectedVersion: 9, title: 'Two' } }, ada)).toBe('CONFLICT');
    expect(await positionOf(id)).toBe(after);
  });

  it('is told as its last that it is gone', async () => {
    const { id } = await anEntry(app, ada);
    const socket = app.connect(ben);
    const subscription = socket.subscribe(Follow, { id, after: await positionOf(id) });
    await edit(id, 1, { title: 'Two' });
    expect((await subscription.data()).entryChanged.kind).toBe('CHANGED');
    await app.data(Delete, { id }, ada);
    expect((await subscription.data()).entryChanged).toMatchObject({ kind: 'DELETED', entryId: id, entry: null });
    await subscription.ended;
    await socket.close();
  });

  it('hears that it is hidden, then nothing until it is public again; its author hears all of it', async () => {
    const { id } = await anEntry(app, ada, { title: 'One' });
    const after = await positionOf(id);
    const [mine, theirs] = [app.connect(ada), app.connect(ben)];
    const [own, other] = [mine, theirs].map((socket) => socket.subscribe(Follow, { id, after }));
    await edit(id, 1, { title: 'Two' });
    await Promise.all([present(own).take(1), present(other).take(1)]);
    await edit(id, 2, { isPublic: false });
    await edit(id, 3, { title: 'Secret' });
    await edit(id, 4, { title: 'Open', isPublic: true });
    const heard = (await present(other).take(2)).map(({ entryChanged: { kind, entry } }) => [kind, entry?.title]);
    expect(heard[0]?.[0]).toBe('HIDDEN');
    expect(heard[1]).toEqual(['CHANGED', 'Open']);
    expect((await present(own).take(3)).map(({ entryChanged: { kind } }) => kind)).toEqual(['HIDDEN', 'CHANGED', 'CHANGED']);
    await Promise.all([mine.close(), theirs.close()]);
  });

  it('must see it', async () => {
    const { id } = await anEntry(app, ada, { isPublic: false });
    const socket = app.connect(ben);
    const { errors } = await socket.execute(Follow, { id });
    expect(errors?.[0]?.extensions?.['code']).toBe('NOT_FOUND');
    await socket.close();
  });
});

describe('whoever follows a list of entries', () => {
  it('is told of what is written, changed and deleted, of all that are public', async () => {
    const after = await listPosition();
    const { id } = await anEntry(app, ada);
    await anEntry(app, ada, { isPublic: false });
    await edit(id, 1, { title: 'Two' });
    await app.data(Delete, { id }, ada);
    expect(await toldOf(null, after, 3)).toEqual([
      ['ADDED', id],
      ['CHANGED', id],
      ['DELETED', id],
    ]);
  });

  it('is told of what comes into a category or gets a tag, and of what leaves it', async () => {
    const { category } = (await app.data(Categorise, {}, mod)).createCategory;
    const [byCategory, byTag] = [{ category: category.id }, { tag: 'Events' }];
    const [ofCategory, ofTag] = [await listPosition(byCategory), await listPosition(byTag)];
    const { id } = await anEntry(app, ada);
    await edit(id, 1, { category: category.slug });
    await edit(id, 2, { tags: ['events'] });
    await edit(id, 3, { category: null });
    await edit(id, 4, { tags: [] });
    await edit(id, 5, { title: 'Elsewhere' });
    const last = await anEntry(app, ada, { category: category.slug, tags: ['events'] });
    const changed = ['CHANGED', id];
    expect(await toldOf(byCategory, ofCategory, 4)).toEqual([changed, changed, changed, ['ADDED', last.id]]);
    expect(await toldOf(byTag, ofTag, 4)).toEqual([changed, changed, changed, ['ADDED', last.id]]);
  });

  it("is told of an author's private entries as that author only", async () => {
    const filter = { author: ada.id };
    const [after, own] = [await listPosition(filter), await listPosition(filter, ada)];
    const secret = await anEntry(app, ada, { isPublic: false });
    // Not even that there is something can be told by the position.
    expect(await listPosition(filter)).toBe(after);
    const open = await anEntry(app, ada);
    expect(await toldOf(filter, after, 1, ben)).toEqual([['ADDED', open.id]]);
    expect(await toldOf(filter, own, 2, ada)).toEqual([
      ['ADDED', secret.id],
      ['ADDED', open.id],
    ]);
  });

  it('names one kind of list', async () => {
    const socket = app.connect(ben);
    const both = await socket.execute(FollowList, { filter: { tag: 'a', author: ada.id } as never });
    expect(both.errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
    const wrong = await socket.execute(FollowList, { filter: { category: ada.id } });
    expect(wrong.errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'filter.category', code: 'INVALID_ID' }],
    });
    await socket.close();
  });
});
