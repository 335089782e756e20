import { capped, countEach, MAX_COUNT } from '../../db/count.js';
import { builder, type Types } from '../../graphql/builder.js';
import { Prisma, type Category as CategoryRow } from '../../db/generated/prisma/client.js';
import { encodeId } from '../../graphql/ids.js';
import { batched } from '../../graphql/loaders.js';
import { mutation } from '../../graphql/mutation.js';
import { READ, SHORT_COUNT, STATEMENT } from '../../graphql/price.js';
import { text } from '../../graphql/text.js';
import { viewerCan } from '../../graphql/viewer-can.js';
import { categoryById, createCategory, deleteCategory, findCategory, updateCategory } from './categories.js';
import { can, CATEGORY_ROLE, categoryDescriptionText, categoryText, MAX_CATEGORY, MAX_CATEGORY_DESCRIPTION, MAX_SEARCH } from './rules.js';

const entryCount = batched(
  ({ db }, categoryIds) =>
    countEach(db.prisma, categoryIds, (id) => Prisma.sql`SELECT 1 FROM entry WHERE category_id = ${id} AND is_public`),
  0,
);

export const Category = builder.prismaNode('Category', {
  id: { field: 'id', description: 'Its global id.' },
  nullable: true,
  description: 'A category that entries are filed under.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name, unique whatever the case.' }),
    slug: t.exposeString('slug', {
      description:
        'The part of an address that stands for it. It stays when the name changes, unless another category takes it for its name.',
    }),
    description: t.exposeString('description', { nullable: true, description: 'What belongs here.' }),
    color: t.expose('color', { type: 'HexColor', description: 'The colour to show it in.' }),
    entryCount: t.int({
      price: SHORT_COUNT,
      description: `How many public entries it has; ${MAX_COUNT} stands for that many or more.`,
      resolve: async (category, _args, context) => capped(await entryCount(context, category.id)),
    }),
    viewerCanEdit: t.boolean(viewerCan('edit', can.rules.manageCategories)),
    viewerCanDelete: t.boolean(viewerCan('delete', can.rules.manageCategories)),
  }),
});

builder.queryField('category', (t) =>
  t.prismaField({
    price: READ,
    type: Category,
    nullable: true,
    description: 'The category with this name, or else with this slug; null when there is none.',
    args: { slug: t.arg.string({ required: true, validate: text(0, MAX_SEARCH), description: 'The name, in any case, or the slug.' }) },
    // The category is found by name or slug first, and then read by its id with what the selection needs.
    resolve: async (query, _root, { slug }, { db }) => {
      const category = await findCategory(db, slug);
      return category && (await db.prisma.category.findUnique({ ...query, where: { id: category.id } }));
    },
  }),
);

builder.queryField('categories', (t) =>
  t.prismaField({
    type: [Category],
    price: { items: 50, once: STATEMENT },
    description: 'All categories, by name.',
    resolve: (query, _root, _args, { db }) => db.prisma.category.findMany({ ...query, orderBy: [{ name: 'asc' }, { id: 'asc' }] }),
  }),
);

const categoryField = (t: PothosSchemaTypes.ObjectFieldBuilder<Types, { readonly category: CategoryRow }>) =>
  t.field({ type: Category, description: 'The category.', resolve: ({ category }) => category });

mutation('createCategory', {
  description: 'Makes a category. For moderators.',
  access: CATEGORY_ROLE,
  scope: 'WRITE_KNOWLEDGE',
  input: {
    description: 'The category to create.',
    fields: (t) => ({
      name: t.string({
        required: true,
        check: categoryText,
        description: `One line of 1 to ${MAX_CATEGORY} characters, unique whatever the case.`,
      }),
      description: t.string({
        check: categoryDescriptionText,
        description: `What belongs here; at most ${MAX_CATEGORY_DESCRIPTION} characters.`,
      }),
      color: t.field({ type: 'HexColor', description: 'The colour to show it in; chosen by its name when left out.' }),
    }),
  },
  run: async (input, context) => ({ category: await createCategory(context, input) }),
  audit: ({ category: { id, name } }) => ({ subject: { type: 'Category', id }, detail: { name } }),
  payload: { description: 'The new category.', reloaders: { category: categoryById }, fields: (t) => ({ category: categoryField(t) }) },
});

mutation('updateCategory', {
  description: 'Changes a category; its slug stays. For moderators.',
  access: CATEGORY_ROLE,
  scope: 'WRITE_KNOWLEDGE',
  input: {
    description: 'The category to change, and what to change; fields left out stay as they are.',
    fields: (t) => ({
      id: t.id({ required: true, idOf: 'Category', description: 'The category.' }),
      name: t.string({ check: categoryText, description: `One line of 1 to ${MAX_CATEGORY} characters, unique whatever the case.` }),
      description: t.string({
        check: categoryDescriptionText,
        description: `What belongs here; at most ${MAX_CATEGORY_DESCRIPTION} characters. Null takes it away.`,
      }),
      color: t.field({ type: 'HexColor', description: 'The colour to show it in.' }),
    }),
  },
  run: async (input, context) => ({ category: await updateCategory(context, input) }),
  audit: ({ category: { id, name } }) => ({ subject: { type: 'Category', id }, detail: { name } }),
  payload: { description: 'The changed category.', reloaders: { category: categoryById }, fields: (t) => ({ category: categoryField(t) }) },
});

mutation('deleteCategory', {
  description: 'Deletes a category; its entries stay, without a category. For moderators.',
  access: CATEGORY_ROLE,
  scope: 'WRITE_KNOWLEDGE',
  input: {
    description: 'The category to delete.',
    fields: (t) => ({ id: t.id({ required: true, idOf: 'Category', description: 'The category.' }) }),
  },
  run: async (input, context) => ({ categoryId: await deleteCategory(context, input) }),
  audit: ({ categoryId }) => ({ subject: { type: 'Category', id: categoryId }, detail: {} }),
  payload: {
    description: 'The deleted category.',
    fields: (t) => ({
      categoryId: t.id({ description: 'The id of the deleted category.', resolve: ({ categoryId }) => encodeId('Category', categoryId) }),
    }),
  },
});
