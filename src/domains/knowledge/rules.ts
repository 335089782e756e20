import { z } from 'zod';
import type { Viewer } from '../../context.js';
import { Prisma, type Entry } from '../../db/generated/prisma/client.js';
import { AUTHOR, AUTHOR_OR_MODERATOR, MODERATOR, rulesOf } from '../../access/rules.js';
import { list, markdownText, text } from '../../graphql/text.js';
import { nameKey, lowerCase, withoutTwins } from '../../texts/names.js';
import { CATEGORY_MAX, TITLE_MAX } from './front-matter.js';
import { MARKDOWN_MAX } from '../../markdown/limits.js';

/** Who makes, changes and deletes categories, and features entries: users with this role, and those above it. */
export const CATEGORY_ROLE = 'MODERATOR';

/** What may be done with an entry. To whoever may not see it, whatever their role, it does not exist. */
export const can = rulesOf({
  see: {
    may: (viewer, entry: Pick<Entry, 'isPublic' | 'authorId'>) => entry.isPublic || AUTHOR.may(viewer, entry),
  },
  edit: AUTHOR,
  delete: AUTHOR_OR_MODERATOR,
  manageCategories: MODERATOR,
});

/** The rule of seeing an entry as a Prisma condition. */
export const visibleTo = (viewer: Viewer | null): Prisma.EntryWhereInput =>
  viewer === null ? { isPublic: true } : { OR: [{ isPublic: true }, { authorId: viewer.id }] };

/** The same in SQL. */
export const isVisibleTo = (viewer: Viewer | null): Prisma.Sql =>
  viewer === null ? Prisma.sql`entry.is_public` : Prisma.sql`(entry.is_public OR entry.author_id = ${viewer.id}::uuid)`;

export const MAX_TITLE = TITLE_MAX;
export const MAX_CONTENT = MARKDOWN_MAX;
export const MAX_TAG = 40;
export const MAX_TAGS = 20;
export const MAX_CATEGORY = CATEGORY_MAX;
export const MAX_CATEGORY_DESCRIPTION = 1_000;
/** The longest search text, and the longest name of a category in a filter. */
export const MAX_SEARCH = 100;

export const titleText = text(1, MAX_TITLE, { singleLine: true });
export const contentText = markdownText(1, MAX_CONTENT);
export const categoryText = text(1, MAX_CATEGORY, { singleLine: true });
export const categoryDescriptionText = text(0, MAX_CATEGORY_DESCRIPTION);

/** The most tags in an input, including duplicates. */
const MAX_GIVEN_TAGS = 5 * MAX_TAGS;

/** Validates a tag, and puts it into lower case. */
export const tagText = text(1, MAX_TAG, { singleLine: true }).transform(lowerCase);

/** Validates tags: lower case, without those whose names are one. */
export const tagTexts = list(tagText, MAX_GIVEN_TAGS, `Must be at most ${MAX_GIVEN_TAGS} tags, repetitions included.`)
  .transform(withoutTwins)
  .pipe(z.array(z.string()).max(MAX_TAGS, `Must be at most ${MAX_TAGS} different tags.`));

/** How the tags of an entry are stored: as they are written, and as they are compared. */
export const tagColumns = (tags: readonly string[]): Pick<Entry, 'tags' | 'tagKeys'> => ({ tags: [...tags], tagKeys: tags.map(nameKey) });
