interface HighlightedProps {
  readonly text: string;
  /** What was looked for; its first place is marked, whatever the case. */
  readonly words: string;
}

/** A text in which what was looked for is marked. */
export const Highlighted = ({ text, words }: HighlightedProps) => {
  const start = words === '' ? -1 : text.toLowerCase().indexOf(words.toLowerCase());
  if (start < 0) return text;
  const end = start + words.length;
  return (
    <>
      {text.slice(0, start)}
      <mark>{text.slice(start, end)}</mark>
      {text.slice(end)}
    </>
  );
};
