import slugifyText from '@sindresorhus/slugify';

const SLUG_MAX = 80;

/** The part of a text that is used: a longer text does not fit into a slug, and transliterating it would only cost time. */
const TEXT_MAX = 500;

/**
 * Makes the slug of a text: lower-case ASCII letters, digits and single hyphens, 1 to 80 characters. Other scripts are transliterated; when
 * nothing is left, the result is `fallback`. Different texts may give the same slug.
 */
export const slugify = (text: string, fallback = 'entry'): string => {
  // Without splitting at capitals: GraphQL becomes `graphql`, not `graph-ql`.
  const slug = slugifyText(text.slice(0, TEXT_MAX), { decamelize: false });
  return slug.slice(0, SLUG_MAX).replace(/-+$/, '') || fallback;
};
