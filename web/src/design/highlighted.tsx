import { findWords } from './found.js';

interface HighlightedProps {
  readonly text: string;
  /** What was looked for; its first place is marked, whatever the case and accents. */
  readonly words: string;
}

/** A text in which what was looked for is marked. */
export const Highlighted = ({ text, words }: HighlightedProps) => {
  const found = findWords(text, words);
  if (found === null) return text;
  const { start, end } = found;
  return (
    <>
      {text.slice(0, start)}
      <mark>{text.slice(start, end)}</mark>
      {text.slice(end)}
    </>
  );
};
