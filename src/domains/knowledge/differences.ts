import { diffArrays } from 'diff';

/*
 * How two texts differ, line by line, and what becomes of two changes of one text. Both are bounded by the number of lines that may differ, not by time, so the
 * same texts always have the same answer.
 */

/** The most lines that may be added or removed between two texts that are compared: the time grows with its square (some 10 ms at this many). */
const MAX_EDITS = 400;

/** The most parts that a difference has: each edit begins one, and so does what lies between. */
export const MAX_PARTS = 2 * MAX_EDITS + 1;

export type PartKind = 'SAME' | 'REMOVED' | 'ADDED';

/** Whole lines in a row, which both texts have, or one of them; without the end of the last one. */
export interface Part {
  readonly kind: PartKind;
  readonly text: string;
}

const linesOf = (text: string): string[] => text.split('\n');
const textOf = (lines: readonly string[]): string => lines.join('\n');

interface Run {
  readonly kind: PartKind;
  readonly lines: readonly string[];
}

/** The runs of lines that lead from one text to the other; null when too many differ. */
const compare = (before: readonly string[], after: readonly string[]): readonly Run[] | null => {
  const changes = diffArrays([...before], [...after], { maxEditLength: MAX_EDITS });
  return (
    changes?.map(({ added, removed, value }) => ({ kind: added ? 'ADDED' : removed ? 'REMOVED' : 'SAME', lines: value }) as const) ?? null
  );
};

/**
 * What leads from one text to another. The parts that are not ADDED, joined by ends of lines, are the first text, and those that are not REMOVED the second. Of texts that have hardly a line in
 * common all is removed and all is added.
 */
export const differenceOf = (before: string, after: string): readonly Part[] => {
  const [from, to] = [linesOf(before), linesOf(after)];
  const runs = compare(from, to) ?? [
    { kind: 'REMOVED', lines: from },
    { kind: 'ADDED', lines: to },
  ];
  return runs.map(({ kind, lines }) => ({ kind, text: textOf(lines) }));
};

/** A change of some lines of a text: those from `start` to before `end` give way to others. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

const editsOf = (runs: readonly Run[]): readonly Edit[] => {
  const edits: { start: number; end: number; lines: string[] }[] = [];
  let line = 0;
  let open: { start: number; end: number; lines: string[] } | null = null;
  for (const { kind, lines } of runs) {
    if (kind === 'SAME') {
      open = null;
      line += lines.length;
      continue;
    }
    if (open === null) edits.push((open = { start: line, end: line, lines: [] }));
    if (kind === 'ADDED') open.lines.push(...lines);
    else open.end = line += lines.length;
  }
  return edits;
};

const isSame = (one: Edit, other: Edit): boolean =>
  one.start === other.start && one.end === other.end && textOf(one.lines) === textOf(other.lines);

/**
 * A text with the changes of two people who began with the same one; null when they have changed the same lines, or lines side by side, in different ways, or when too many
 * lines differ. What both have changed alike is changed once.
 */
export const merge = (base: string, mine: string, theirs: string): string | null => {
  if (mine === base || mine === theirs) return theirs;
  if (theirs === base) return mine;
  const from = linesOf(base);
  const [myRuns, theirRuns] = [compare(from, linesOf(mine)), compare(from, linesOf(theirs))];
  if (myRuns === null || theirRuns === null) return null;
  const [mineLeft, theirsLeft] = [[...editsOf(myRuns)], [...editsOf(theirRuns)]];
  const merged: string[] = [];
  let line = 0;
  const apply = ({ start, end, lines }: Edit): void => {
    merged.push(...from.slice(line, start), ...lines);
    line = end;
  };
  for (;;) {
    const [my, their] = [mineLeft[0], theirsLeft[0]];
    if (my === undefined || their === undefined) break;
    if (isSame(my, their)) theirsLeft.shift();
    else if (my.end < their.start) mineLeft.shift();
    else if (their.end < my.start) {
      theirsLeft.shift();
      apply(their);
      continue;
    } else return null;
    if (mineLeft[0] === my) mineLeft.shift();
    apply(my);
  }
  for (const rest of [...mineLeft, ...theirsLeft]) apply(rest);
  return textOf([...merged, ...from.slice(line)]);
};
