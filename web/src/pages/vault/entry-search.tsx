import { Search } from 'lucide-react';
import { useTypedSearch } from '../../app/settled.js';
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

/** As many characters as the server takes. */
const MAX = 100;

/** Searches while somebody types. */
export const EntrySearch = ({ value, onSearch, onEnter }: EntrySearchProps) => {
  const t = useTexts(vaultTexts);
  const { text, type, ask } = useTypedSearch(value, onSearch);
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
        onChange={({ target }) => type(target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') ask();
          else if (event.key === 'ArrowDown') onEnter();
          else return;
          event.preventDefault();
        }}
      />
    </div>
  );
};
