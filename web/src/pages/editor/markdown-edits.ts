/** A text and what of it is selected, from `start` to `end`. */
export interface Selected {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** What of a text is replaced, by what, and what is selected then. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
  readonly select: readonly [start: number, end: number];
}

/** Puts marks around what is selected, or takes them away where they stand already; around `sample` where nothing is. */
export const surround = ({ text, start, end }: Selected, mark: string, sample: string): Edit => {
  const inner = text.slice(start, end);
  const size = mark.length;
  const isMarked = text.slice(start - size, start) === mark && text.slice(end, end + size) === mark;
  if (isMarked) return { from: start - size, to: end + size, insert: inner, select: [start - size, end - size] };
  const put = inner === '' ? sample : inner;
  return { from: start, to: end, insert: mark + put + mark, select: [start + size, start + size + put.length] };
};

/** Makes a link of what is selected, and selects where its address goes. */
export const linked = ({ text, start, end }: Selected, sample: string): Edit => {
  const inner = text.slice(start, end);
  if (/^https?:\/\/\S+$/.test(inner))
    return { from: start, to: end, insert: `[${sample}](${inner})`, select: [start + 1, start + 1 + sample.length] };
  const name = inner === '' ? sample : inner;
  const address = start + name.length + 3;
  return { from: start, to: end, insert: `[${name}](https://)`, select: [address, address + 'https://'.length] };
};

/** Puts a mark before each selected line, or takes it away where all have it. */
export const prefixed = ({ text, start, end }: Selected, mark: string): Edit => {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const next = text.indexOf('\n', end);
  const to = next < 0 ? text.length : next;
  const lines = text.slice(from, to).split('\n');
  const areMarked = lines.every((line) => line.startsWith(mark));
  const insert = lines.map((line) => (areMarked ? line.slice(mark.length) : mark + line)).join('\n');
  const isOneLine = lines.length === 1 && start === end;
  const caret = Math.max(from, start + insert.length - (to - from));
  return { from, to, insert, select: isOneLine ? [caret, caret] : [from, from + insert.length] };
};

/** Code within a line, or a block of it around several lines. */
export const coded = (selected: Selected, sample: string): Edit => {
  const { text, start, end } = selected;
  const inner = text.slice(start, end);
  if (!inner.includes('\n')) return surround(selected, '`', sample);
  const block = '```\n' + inner + '\n```';
  return { from: start, to: end, insert: block, select: [start + 4, start + 4 + inner.length] };
};
