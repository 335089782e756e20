import type { MarkdownIt, StateBlock, StateInline } from 'markdown-it';
import { FORMULA_MAX } from '../formulas.js';

const DOLLAR = 0x24;

/**
 * `$x$`, `` $`x`$ `` and `$$x$$` within a line. The sign of a currency or of a variable is none: `$5 and $6`, `US$5`, `$HOME/$USER`. So what opens stands before no blank and behind no letter or digit, and
 * what closes behind no blank and before neither.
 */
const INLINE = [
  String.raw`\$\$(?<display>(?:[^$\\]|\\[^]){1,${FORMULA_MAX}}?)\$\$`,
  String.raw`\$` + '`(?<quoted>[^`]{1,' + String(FORMULA_MAX) + '})`' + String.raw`\$`,
  String.raw`\$(?![\s$])(?<plain>(?:[^$\\]|\\[^]){1,${FORMULA_MAX}}?)(?<!\s)\$(?![\p{L}\p{N}\{$])`,
].join('|');
const BEFORE = /[\p{L}\p{N}$\\]$/u;

const inline = (written: RegExp, state: StateInline, silent: boolean): boolean => {
  if (state.src.charCodeAt(state.pos) !== DOLLAR || BEFORE.test(state.src.slice(Math.max(0, state.pos - 2), state.pos))) return false;
  written.lastIndex = state.pos;
  const match = written.exec(state.src);
  if (match === null || state.pos + match[0].length > state.posMax) return false;
  const { display, quoted, plain } = match.groups ?? {};
  const formula = display ?? quoted ?? plain ?? '';
  if (formula.trim() === '') return false;
  if (!silent)
    Object.assign(state.push(display === undefined ? 'math_inline' : 'math_display', '', 0), { content: formula, markup: match[0] });
  state.pos += match[0].length;
  return true;
};

const lineOf = (state: StateBlock, line: number): string =>
  state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]);

/** `$$` on lines of their own, with the formula between them. */
const block = (state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean => {
  if ((state.sCount[startLine] ?? 0) - state.blkIndent >= 4 || lineOf(state, startLine).trim() !== '$$') return false;
  let line = startLine + 1;
  while (line < endLine && (state.isEmpty(line) || (state.sCount[line] ?? 0) >= state.blkIndent) && lineOf(state, line).trim() !== '$$')
    line += 1;
  if (line >= endLine || lineOf(state, line).trim() !== '$$') return false;
  if (silent) return true;
  const token = state.push('math_display', '', 0);
  token.block = true;
  token.content = state.getLines(startLine + 1, line, state.blkIndent, false);
  token.markup = `$$\n${token.content}\n$$`;
  token.map = [startLine, line + 1];
  state.line = line + 1;
  return true;
};

/** Formulas in the language of TeX. What becomes of them is for who renders them. */
export const math = (md: MarkdownIt): void => {
  const written = new RegExp(INLINE, 'uy');
  md.inline.ruler.after('escape', 'math', (state, silent) => inline(written, state, silent));
  md.block.ruler.after('blockquote', 'math', block, { alt: ['paragraph', 'reference', 'blockquote', 'list'] });
};
