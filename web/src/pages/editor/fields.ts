import type { EditedEntryFragment } from '../../gql/graphql.js';

/** What the form holds. */
export interface Fields {
  readonly title: string;
  readonly content: string;
  /** The slug of the category; empty for none. */
  readonly category: string;
  /** As they are written, separated by commas. */
  readonly tags: string;
  readonly isPublic: boolean;
}

export const EMPTY: Fields = { title: '', content: '', category: '', tags: '', isPublic: true };

export const fieldsOf = ({ title, content, category, tags, isPublic }: EditedEntryFragment): Fields => ({
  title,
  content,
  category: category?.slug ?? '',
  tags: tags.join(', '),
  isPublic,
});

export const isSame = (one: Fields, other: Fields): boolean =>
  one.title === other.title &&
  one.content === other.content &&
  one.category === other.category &&
  one.tags === other.tags &&
  one.isPublic === other.isPublic;

/** The fields as the API takes them. */
export const inputOf = ({ title, content, category, tags, isPublic }: Fields) => ({
  title,
  content,
  category: category === '' ? null : category,
  tags: tags
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== ''),
  isPublic,
});

/**
 * One's own fields with what another has changed meanwhile, where their texts go together.
 * @param base what both began with
 * @param text both texts together
 */
export const mergeFields = (base: Fields, mine: Fields, theirs: Fields, text: Pick<Fields, 'title' | 'content'>): Fields => ({
  title: text.title,
  content: text.content,
  category: mine.category === base.category ? theirs.category : mine.category,
  tags: mine.tags === base.tags ? theirs.tags : mine.tags,
  isPublic: mine.isPublic === base.isPublic ? theirs.isPublic : mine.isPublic,
});
