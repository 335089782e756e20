import styles from './avatar.module.css';

/** As many colours as `avatar.module.css` has. */
const COLOURS = 8;

const colourOf = (key: string): number => {
  let hash = 0;
  for (const character of key) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return hash % COLOURS;
};

const segmenter = new Intl.Segmenter();
const firstLetter = (word: string): string => [...segmenter.segment(word)][0]?.segment.toLocaleUpperCase() ?? '';

/** The first letters of the first and the last word of a name. */
export const initialsOf = (name: string): string => {
  const words = name.trim().split(/\s+/);
  const [first = '', last = ''] = [words[0], words.length > 1 ? words.at(-1) : ''];
  return firstLetter(first) + firstLetter(last);
};

interface AvatarProps {
  /** The name that is shown beside it: the picture itself says nothing to a screen reader. */
  readonly name: string;
  /** What keeps its colour when the name changes: the username. */
  readonly of: string;
  readonly size?: 20 | 24 | 32 | 40 | 64;
  /** A mark for who is here. */
  readonly presence?: 'ONLINE' | 'AWAY' | 'OFFLINE';
}

/** Somebody's picture: their initials on a colour that is always theirs. */
export const Avatar = ({ name, of, size = 32, presence = 'OFFLINE' }: AvatarProps) => (
  <span className={styles.avatar} data-colour={colourOf(of)} data-size={size} data-initials={initialsOf(name)} aria-hidden="true">
    {presence !== 'OFFLINE' && <span className={styles.presence} data-presence={presence} />}
  </span>
);
