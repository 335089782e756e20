import { posix } from 'node:path';
import type { Markdown } from '../../context.js';
import { anchorOf } from '../../markdown/anchors.js';
import { WIKI_LINK, type Destination } from '../../markdown/destinations.js';
import { MARKDOWN_NAME, type PageIndex } from './page-index.js';

/** The files that represent a folder, in order of preference. */
const FOLDER_PAGES = ['README.md', 'index.md', '_index.md', 'README.markdown', 'index.markdown'];

const decodePath = (raw: string): string | null => {
  const unescaped = raw.replace(/\\([!-/:-@[-`{-~])/g, '$1').replaceAll('&amp;', '&');
  try {
    return decodeURIComponent(unescaped);
  } catch {
    return null;
  }
};

/** A language in front of a path, as addresses of wikis have it. */
const LANGUAGE = /^[a-z]{2}(?:-[a-z]{2})?\//i;

/** The paths that a target may mean, the likeliest first. */
const candidatesOf = (target: string, path: string): readonly string[] => {
  const fromHere = target.startsWith('/') ? [] : [posix.join(posix.dirname(path), target)];
  const fromRoot = target.replace(/^\/+/, '');
  // Vaults and wikis write paths from the top, with a slash and without.
  return [...fromHere, fromRoot, ...(LANGUAGE.test(fromRoot) ? [fromRoot.replace(LANGUAGE, '')] : [])]
    .map((each) => posix.normalize(each))
    .filter((each) => each !== '..' && !each.startsWith('../'))
    .flatMap((each) => {
      const normal = each.replace(/\/$/, '');
      if (MARKDOWN_NAME.test(normal)) return [normal];
      const asFile = normal === '' || normal === '.' ? [] : [`${normal}.md`, `${normal}.markdown`];
      return [...asFile, ...FOLDER_PAGES.map((page) => posix.join(normal, page))];
    });
};

/** The Markdown for a wiki link; null to keep it. */
const rewriteWiki = (written: string, pages: PageIndex): string | null => {
  const [, page = '', part = '', label = ''] = WIKI_LINK.exec(written) ?? [];
  const address = page.trim() === '' ? '' : pages.named(page);
  if (address === null || (address === '' && part === '')) return null;
  const text = label.trim() || [page.trim(), part.trim()].filter((each) => each !== '').join(' > ');
  return `[${text.replace(/[[\]\\]/g, '\\$&')}](${address}${part === '' ? '' : `#${anchorOf(part)}`})`;
};

/** The new destination for one in the file at `path`; null to keep it. */
const redirect = ({ written, isWiki }: Destination, path: string, pages: PageIndex): string | null => {
  if (isWiki) return rewriteWiki(written, pages);
  const bracketed = written.startsWith('<');
  const destination = bracketed ? written.slice(1, -1) : written;
  const suffixAt = destination.search(/[?#]/);
  const suffix = suffixAt === -1 ? '' : destination.slice(suffixAt);
  const target = decodePath(suffixAt === -1 ? destination : destination.slice(0, suffixAt));
  if (target === null || target === '' || target.startsWith('//') || /^[a-z][a-z0-9+.-]*:/i.test(target)) return null;
  for (const candidate of candidatesOf(target, path)) {
    const address = pages.at(candidate);
    if (address === null) continue;
    const text = `${address}${suffix}`;
    return bracketed || /[\s()<>]/.test(text) ? `<${text}>` : text;
  }
  return null;
};

/**
 * Rewrites the links and images of the file at `path` (relative to the folder of the import, with forward slashes) that lead to other imported pages: relative
 * ones, those from the top of the folder, with the ending and without, and wiki links (`[[page]]`), which become Markdown. Query and fragment are kept. A link to
 * a folder means its README or index. Everything else stays the same byte for byte: code, titles, HTML, links of other sites, links out of the folder and links
 * to what was not imported. The result may be longer than an entry may be.
 * @returns null for a text whose links take too long to find
 */
export const rewriteLinks = async (
  { destinations }: Pick<Markdown, 'destinations'>,
  content: string,
  path: string,
  pages: PageIndex,
): Promise<string | null> => {
  // A link contains `](`, a definition `]:`, a wiki link `[[`; most files have none and need no parser.
  if (!/\][(:]|\[\[/.test(content)) return content;
  // The parser reads only `\n`. No destination spans lines, so positions can be mapped line by line.
  const found = await destinations(content.replace(/\r\n|\r/g, '\n'));
  if (found === null) return null;

  const carriageReturns = [...content.matchAll(/\r\n/g)].map((match, index) => match.index - index);
  let returns = 0;
  let copied = 0;
  let result = '';
  for (const destination of found) {
    const text = redirect(destination, path, pages);
    if (text === null) continue;
    while ((carriageReturns[returns] ?? Infinity) < destination.at) returns += 1;
    const start = destination.at + returns;
    result += content.slice(copied, start) + text;
    copied = start + destination.written.length;
  }
  return result + content.slice(copied);
};
