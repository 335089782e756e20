import { createHash } from 'node:crypto';
import type { GraphQLError } from 'graphql';
import type { Context, Services } from '../../context.js';
import type { Database } from '../../db/database.js';
import { firstById } from '../../db/lists.js';
import { isUniqueViolation } from '../../observability/failures.js';
import { Prisma, type Category } from '../../db/generated/prisma/client.js';
import { fieldErrors, notFound } from '../../errors.js';
import { nameKey } from '../../texts/names.js';
import { withFreeSlug } from './free-slug.js';
import { slugify } from './slug.js';

export interface NewCategory {
  readonly name: string;
  readonly description?: string | null | undefined;
  /** Left out: derived from the name. */
  readonly color?: string | null | undefined;
}

/** Colours that are distinguishable and readable under white text. */
const PALETTE = [
  ...['#1f6feb', '#8250df', '#bf3989', '#cf222e', '#bc4c00', '#9a6700'],
  ...['#1a7f37', '#0e7490', '#475569', '#4f46e5', '#a21caf', '#b45309'],
] as const;

/** The default colour of a name, always the same and independent of case. */
const colorOf = (name: string): string => {
  const [byte = 0] = createHash('sha256').update(nameKey(name)).digest();
  return PALETTE[byte % PALETTE.length] ?? PALETTE[0];
};

/** Finds a category by its name, or else by its slug, in any case: names decide. */
export const findCategory = async ({ lists }: Pick<Database, 'lists'>, nameOrSlug: string): Promise<Category | null> => {
  const [name, slug] = [nameKey(nameOrSlug), slugOf(nameOrSlug)];
  const found = await lists.root({ model: 'Category', where: { OR: [{ nameKey: name }, { slug }] } }, firstById(2), {});
  return found.find(({ nameKey: key }) => key === name) ?? found[0] ?? null;
};

const slugOf = (text: string): string => text.trim().toLowerCase();

/**
 * A condition in SQL: an entry is in the category that {@link findCategory} would find. It is looked up once, before the entries, so that the index over
 * category and time serves a list; and in the statement of the list, which is one less.
 */
export const inCategory = (nameOrSlug: string): Prisma.Sql => Prisma.sql`category_id = coalesce(
  (SELECT id FROM category WHERE name_key = ${nameKey(nameOrSlug)}), (SELECT id FROM category WHERE slug = ${slugOf(nameOrSlug)}))`;

/** @throws NOT_FOUND */
export const categoryById = async ({ db }: Pick<Services, 'db'>, id: string): Promise<Category> => {
  const category = await db.prisma.category.findUnique({ where: { id } });
  if (category === null) throw notFound('Category');
  return category;
};

/**
 * Makes sure that a name stands for one category only: no other has it, and one that has it as its slug gets another, since a filter accepts either and
 * names decide.
 * @throws CONFLICT for a name that is taken, however it is written
 */
const claimName = async ({ prisma }: Database, name: string, ownId: string | null): Promise<void> => {
  const key = nameKey(name);
  const others = await prisma.category.findMany({
    where: { OR: [{ slug: key }, { nameKey: key }], ...(ownId === null ? {} : { NOT: { id: ownId } }) },
  });
  if (others.some((other) => other.nameKey === key)) throw nameTaken();
  for (const { id, name: own, nameKey: ownKey } of others)
    await withFreeSlug(slugify(own, 'category'), takenBy(prisma, ownKey), async (slug) => {
      await prisma.category.updateMany({ where: { id, slug: key }, data: { slug } });
      return slug;
    });
};

/** Finds slugs that no category may take: those of others, and their names. @param ownKey of whose slug it is */
const takenBy =
  (prisma: Database['prisma'], ownKey: string) =>
  async (slugs: string[]): Promise<string[]> => {
    const holders = await prisma.category.findMany({
      where: { OR: [{ slug: { in: slugs } }, { nameKey: { in: slugs, not: ownKey } }] },
      select: { slug: true, nameKey: true },
    });
    return holders.flatMap((holder) => [holder.slug, holder.nameKey]);
  };

const nameTaken = (): GraphQLError =>
  fieldErrors('CONFLICT', [{ path: 'input.name', code: 'TAKEN', message: 'Is the name of another category.' }]);

/** Creates a category. @throws CONFLICT for a name that is taken, however it is written */
export const createCategory = async ({ db, clock }: Pick<Services, 'db' | 'clock'>, input: NewCategory): Promise<Category> => {
  const { prisma } = db;
  const { name } = input;
  const key = nameKey(name);
  await claimName(db, name, null);
  return await withFreeSlug(slugify(name, 'category'), takenBy(prisma, key), async (slug) => {
    const data = {
      name,
      nameKey: key,
      slug,
      description: input.description || null,
      color: input.color ?? colorOf(name),
      createdAt: new Date(clock.now()),
    };
    const [category] = await prisma.category.createManyAndReturn({ data: [data], skipDuplicates: true });
    // Somebody else has taken the slug meanwhile, or the name.
    if (category === undefined) await claimName(db, name, null);
    return category ?? null;
  });
};

/** Finds a category by its name alone, or creates it: `C` is not `C#`, although a slug may be the same. */
export const findOrCreateCategory = async (services: Pick<Services, 'db' | 'clock'>, name: string): Promise<Category> => {
  const find = (): Promise<Category | null> => services.db.prisma.category.findUnique({ where: { nameKey: nameKey(name) } });
  const found = await find();
  if (found !== null) return found;
  try {
    return await createCategory(services, { name });
  } catch (error) {
    // A concurrent call has created it.
    const made = await find();
    if (made === null) throw error;
    return made;
  }
};

/** Changes the given fields. The slug stays, because links contain it. @throws NOT_FOUND, CONFLICT for a name that is taken */
export const updateCategory = async (
  { db }: Context,
  input: { readonly id: string; readonly name?: string | null | undefined } & Omit<NewCategory, 'name'>,
): Promise<Category> => {
  const { id, name, description, color } = input;
  if (typeof name === 'string') await claimName(db, name, id);
  try {
    const [category] = await db.prisma.category.updateManyAndReturn({
      where: { id },
      data: {
        ...(typeof name === 'string' ? { name, nameKey: nameKey(name) } : {}),
        ...(description === undefined ? {} : { description: description || null }),
        ...(typeof color === 'string' ? { color } : {}),
      },
    });
    if (category === undefined) throw notFound('Category');
    return category;
  } catch (error) {
    if (isUniqueViolation(error, 'name_key')) throw nameTaken();
    throw error;
  }
};

/** Deletes a category; its entries stay, without a category. @throws NOT_FOUND */
export const deleteCategory = async ({ db }: Context, { id }: { readonly id: string }): Promise<string> => {
  const { count } = await db.prisma.category.deleteMany({ where: { id } });
  if (count === 0) throw notFound('Category');
  return id;
};
