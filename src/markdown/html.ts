import { GraphQLError } from 'graphql';
import type { Context, Markdown, RenderingAllowance, Services } from '../context.js';
import { coded } from '../errors.js';
import { createByteCache } from '../memory/byte-cache.js';
import { MARKDOWN_MAX, PATIENT_WORK, WORK, type Bound } from './limits.js';
import { asWritten } from './as-written.js';
import { createThreads } from './threads.js';
import type { Kind, Question, Works } from './work.js';

/** The size of the cache. Rendering a text of some pages takes a few milliseconds, and a list may show a hundred. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

/** The most characters of Markdown that one operation has rendered anew: a hundred entries of some pages, or two of the longest. */
const MAX_RENDERED = 2 * MARKDOWN_MAX;

const allowanceKey = Symbol('rendering allowance');

/** What is left to an operation, or to one event. */
const allowanceOf = ({ loaded }: Pick<Context, 'loaded'>): RenderingAllowance => {
  const known = loaded.get(allowanceKey) as RenderingAllowance | undefined;
  if (known !== undefined) return known;
  const allowance = { characters: MAX_RENDERED, ms: WORK.ms, last: Promise.resolve() };
  loaded.set(allowanceKey, allowance);
  return allowance;
};

const tooMuch = (): Error =>
  coded('OPERATION_TOO_COMPLEX', 'Too much Markdown would have to be rendered at once. Ask for the HTML of fewer texts at a time.', {
    limit: MAX_RENDERED,
  });

/**
 * The HTML of a text, for whoever asks: it depends on nothing but the text.
 * @param mentions whether `@username` is a link
 * @throws OPERATION_TOO_COMPLEX when the operation has had too much rendered already, see {@link MAX_RENDERED}
 */
export const htmlOf = (
  context: Pick<Context, 'loaded' | 'markdown'>,
  source: string,
  { mentions = false }: { readonly mentions?: boolean } = {},
): string | Promise<string> => context.markdown.html(source, allowanceOf(context), mentions);

/**
 * Creates what reads the Markdown of a process, in threads of its own: whatever the text, it does not hold up the event loop. What was rendered is kept by the
 * text itself, so whoever writes the same again has it rendered once, and no version can be mistaken for another.
 */
export const createMarkdown = ({ log }: Pick<Services, 'log'>): Markdown & { readonly stop: () => Promise<void> } => {
  const threads = createThreads();
  const kept = createByteCache<string>(MAX_KEPT_BYTES, (html) => 2 * html.length);

  const ask = async <K extends Kind>(question: Question<K>, bound: Bound): Promise<Works[K]['answer'] | null> => {
    const outcome = await threads.ask(question, bound);
    return outcome.isDone ? outcome.answer : null;
  };

  /** What takes too long with its colours and formulas is tried without them. */
  const render = async (
    source: string,
    mentions: boolean,
    bound: Bound,
  ): Promise<{ readonly html: string | null; readonly ms: number }> => {
    try {
      const whole = await threads.ask({ kind: 'html', source, mentions }, bound);
      if (whole.isDone) return { html: whole.answer, ms: whole.ms };
      const plain = await threads.ask({ kind: 'html', source, mentions, plainly: true }, bound);
      return { html: plain.isDone ? plain.answer : null, ms: whole.ms + plain.ms };
    } catch (error) {
      if (error instanceof GraphQLError) throw error;
      log.error({ err: error }, 'a text cannot be rendered');
      return { html: null, ms: 0 };
    }
  };

  /** The texts of an operation come one after the other, since each may use up what is left to it. */
  const inTurn = async <Result>(allowance: RenderingAllowance, work: () => Promise<Result>): Promise<Result> => {
    const turn = allowance.last.then(work);
    allowance.last = turn.then(
      () => undefined,
      () => undefined,
    );
    return await turn;
  };

  const make = async (key: string, source: string, allowance: RenderingAllowance): Promise<string> => {
    // Somebody may have asked for the same text meanwhile.
    const known = kept.get(key);
    if (known !== undefined) return known;
    allowance.characters -= source.length;
    if (allowance.characters < 0 || allowance.ms < 1) throw tooMuch();
    const budgetMs = allowance.ms;
    const { html, ms } = await render(source, key !== source, { ...WORK, ms: budgetMs });
    allowance.ms -= ms;
    // With the whole budget a text is never given up without a result.
    if (html === null && budgetMs < WORK.ms) throw tooMuch();
    if (html === null) log.warn({ characters: source.length, ms }, 'a text is shown as it was written: rendering it takes too long');
    const shown = html ?? asWritten(source);
    kept.set(key, shown);
    return shown;
  };

  return {
    html: (source, allowance, mentions) => {
      // No text that is stored has the character in front.
      const key = mentions && source.includes('@') ? `\u0000${source}` : source;
      return kept.get(key) ?? inTurn(allowance, () => make(key, source, allowance));
    },
    storedHtml: async (source) => {
      const { html, ms } = await render(source, false, PATIENT_WORK);
      if (html === null) log.warn({ characters: source.length, ms }, 'a text is stored as it was written: rendering it takes too long');
      else kept.set(source, html);
      return html ?? asWritten(source);
    },
    mentions: async (source) => (source.includes('@') ? ((await ask({ kind: 'mentions', source }, WORK)) ?? []) : []),
    destinations: (source) => ask({ kind: 'destinations', source }, PATIENT_WORK),
    firstHeading: (source) => ask({ kind: 'firstHeading', source }, PATIENT_WORK),
    stop: threads.stop,
  };
};
