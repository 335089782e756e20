import { Search } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTexts } from '../../i18n/language.js';
import { vaultTexts } from './vault-texts.js';
import styles from './vault-page.module.css';

interface EntrySearchProps {
  /** What the address says is looked for. */
  readonly value: string;
  readonly onSearch: (words: string) => void;
  /** Goes on to the results. */
  readonly onEnter: () => void;
}

/** How long nothing is typed before the server is asked, in milliseconds. */
const PAUSE_MS = 250;
/** As many characters as the server takes. */
const MAX = 100;

/** Searches while somebody types. */
export const EntrySearch = ({ value, onSearch, onEnter }: EntrySearchProps) => {
  const t = useTexts(vaultTexts);
  const [text, setText] = useState(value);
  const asked = useRef(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    // The address was changed by something else: by going back, or by a filter that was removed.
    if (value === asked.current) return;
    asked.current = value;
    clearTimeout(timer.current);
    setText(value);
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const ask = (words: string): void => {
    clearTimeout(timer.current);
    if (words === asked.current) return;
    asked.current = words;
    onSearch(words);
  };
  return (
    <div className={styles.search} role="search">
      <Search size={16} aria-hidden="true" />
      <input
        type="search"
        dir="auto"
        aria-label={t('search')}
        placeholder={t('search')}
        value={text}
        maxLength={MAX}
        autoComplete="off"
        spellCheck={false}
        onChange={({ target }) => {
          setText(target.value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => ask(target.value.trim()), PAUSE_MS);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') ask(text.trim());
          else if (event.key === 'ArrowDown') onEnter();
          else return;
          event.preventDefault();
        }}
      />
    </div>
  );
};
