import katex from 'katex';
import sanitizeHtml, { type IOptions } from 'sanitize-html';

/** The longest formula, in UTF-16 code units. */
export const FORMULA_MAX = 1_000;
/** How deep its braces may go, and how many commands it may have: 5,000 fractions in each other take eight seconds. */
const DEPTH_MAX = 20;
const COMMANDS_MAX = 200;
/** The most formulas of a text. */
export const FORMULAS_MAX = 1_000;

/** The elements of MathML for presentation. What embeds other languages (`annotation-xml`), acts (`maction`) or shows pictures (`mglyph`) is not among them. */
const ALLOWED: IOptions = {
  allowedTags: [
    ...['math', 'semantics', 'mrow', 'mi', 'mo', 'mn', 'ms', 'mtext', 'mspace', 'mover', 'munder', 'munderover', 'msup', 'msub', 'msubsup'],
    ...[
      'mmultiscripts',
      'mprescripts',
      'none',
      'mfrac',
      'msqrt',
      'mroot',
      'mtable',
      'mtr',
      'mtd',
      'mpadded',
      'mphantom',
      'menclose',
      'mstyle',
    ],
  ],
  allowedAttributes: {
    math: ['xmlns', 'display'],
    '*': [
      ...[
        'mathvariant',
        'mathcolor',
        'mathbackground',
        'mathsize',
        'scriptlevel',
        'displaystyle',
        'stretchy',
        'fence',
        'separator',
        'symmetric',
      ],
      ...[
        'form',
        'lspace',
        'rspace',
        'minsize',
        'maxsize',
        'accent',
        'accentunder',
        'linethickness',
        'width',
        'height',
        'depth',
        'voffset',
      ],
      ...['notation', 'columnalign', 'columnspacing', 'columnlines', 'rowspacing', 'rowlines', 'largeop', 'movablelimits'],
    ],
  },
  // The formula itself stands in it, for programs that read TeX.
  nonTextTags: ['annotation', 'annotation-xml', 'script', 'style', 'textarea', 'option', 'noscript'],
};

const isTooMuch = (formula: string): boolean => {
  if (formula.length > FORMULA_MAX || (formula.match(/\\/g)?.length ?? 0) > COMMANDS_MAX) return true;
  let depth = 0;
  for (const character of formula) {
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (depth > DEPTH_MAX) return true;
  }
  return false;
};

/** A formula in TeX as MathML, which browsers show by themselves; null for what is none, or too much of one. */
export const mathMl = (formula: string, displayMode: boolean): string | null => {
  if (isTooMuch(formula)) return null;
  try {
    const html = katex.renderToString(formula, {
      displayMode,
      output: 'mathml',
      throwOnError: true,
      strict: 'ignore',
      trust: false,
      maxExpand: 200,
      maxSize: 20,
    });
    return sanitizeHtml(html, ALLOWED);
  } catch {
    return null;
  }
};
