import type { IncomingMessage } from 'node:http';

interface Range {
  readonly type: string;
  readonly quality: number;
  readonly position: number;
}

const parseRanges = (header: string): Range[] =>
  header.split(',').map((part, position) => {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = q === undefined ? 1 : Number(q.slice(2));
    return { type, quality: Number.isFinite(quality) ? quality : 0, position };
  });

/** How specifically a range matches an offered type; 0 when it does not match. */
const closeness = (range: string, offered: string): number => {
  if (range === offered) return 3;
  if (range === `${offered.split('/', 1)[0] ?? ''}/*`) return 2;
  return range === '*/*' || range === '*' ? 1 : 0;
};

/** The range that speaks of an offered value most specifically. */
const rangeFor = (ranges: readonly Range[], offered: string): Range | undefined =>
  ranges
    .filter(({ type }) => closeness(type, offered) > 0)
    .sort((one, other) => closeness(other.type, offered) - closeness(one.type, offered))[0];

/** How much a header wants a value, from 0 for not at all to 1. */
export const qualityOf = (header: string, offered: string): number => rangeFor(parseRanges(header), offered)?.quality ?? 0;

/**
 * The best match between the offered values and an Accept header; null when none is acceptable. Among values of equal
 * quality the one that the header names first wins; among those it does not name, the one offered first.
 * @param header null when the client accepts anything
 */
export const negotiate = <Offered extends string>(header: string | null, offered: readonly Offered[]): Offered | null => {
  if (header === null || header === '*/*') return offered[0] ?? null;
  const named = offered.find((offer) => offer === header);
  if (named !== undefined) return named;
  const ranges = parseRanges(header);
  let best: { readonly offer: Offered; readonly range: Range } | null = null;
  for (const offer of offered) {
    const range = rangeFor(ranges, offer);
    if (range === undefined || range.quality <= 0) continue;
    const better =
      best === null || range.quality > best.range.quality || (range.quality === best.range.quality && range.position < best.range.position);
    if (better) best = { offer, range };
  }
  return best?.offer ?? null;
};

/** Whether a request asks for a page rather than for data, as a browser does when it goes to an address. */
export const wantsPage = ({ method, headers: { accept } }: Pick<IncomingMessage, 'method' | 'headers'>): boolean =>
  (method === 'GET' || method === 'HEAD') && negotiate(accept ?? null, ['application/json', 'text/html']) === 'text/html';
