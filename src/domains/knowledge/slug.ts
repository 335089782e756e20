import slugifyText from '@sindresorhus/slugify';

const SLUG_MAX = 80;

/** The part of a text that is used: a longer text does not fit into a slug, and transliterating it would only cost time. */
const TEXT_MAX = 500;

/** Signs by which names are told apart, as they are read: C# and C++ are not C, .NET is not Net. */
const SIGNS = [
  [/(?<=[\p{L}\p{N}])#/gu, ' sharp '],
  [/(?<=[\p{L}\p{N}])\+\+/gu, ' plus plus '],
  [/(?<![\p{L}\p{N}\p{P}])\.(?=\p{L})/gu, ' dot '],
] as const;

/**
 * Makes the slug of a text: lower-case ASCII letters, digits and single hyphens, 1 to 80 characters. Other scripts are transliterated; when
 * nothing is left, the result is `fallback`. Different texts may give the same slug.
 */
export const slugify = (text: string, fallback = 'entry'): string => {
  // Ligatures and forms of other widths are letters in NFKC; elsewhere they have no transliteration and would be gone.
  const plain = SIGNS.reduce((words, [sign, name]) => words.replace(sign, name), text.slice(0, TEXT_MAX).normalize('NFKC'));
  // Without splitting at capitals: GraphQL becomes `graphql`, not `graph-ql`.
  const slug = slugifyText(plain, { decamelize: false });
  return slug.slice(0, SLUG_MAX).replace(/-+$/, '') || fallback;
};
