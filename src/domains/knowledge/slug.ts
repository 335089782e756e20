import slugifyText from '@sindresorhus/slugify';

const SLUG_MAX = 80;

/**
 * A title is short; whatever is longer than this cannot reach the slug, and transliterating it would only cost time.
 */
const TEXT_MAX = 500;

/**
 * The part of an address that stands for a text: lower-case ASCII letters, digits and single hyphens, 1 to 80
 * characters. Other scripts are transliterated; a text of which nothing is left gives `fallback`. Two texts may give
 * the same slug.
 */
export const slugify = (text: string, fallback = 'entry'): string => {
  // Without splitting at capitals, so that GraphQL is `graphql` and not `graph-ql`.
  const slug = slugifyText(text.slice(0, TEXT_MAX), { decamelize: false });
  return slug.slice(0, SLUG_MAX).replace(/-+$/, '') || fallback;
};
