import { Combobox, ComboboxItem, ComboboxList, ComboboxProvider } from '@ariakit/react/combobox';
import { X } from 'lucide-react';
import { useId, useState } from 'react';
import { useQuery } from 'urql';
import { FindPeople } from '../../app/people/operations.js';
import { useSettled } from '../../app/settled.js';
import { Avatar } from '../../design/avatar.js';
import { Handle } from '../../design/handle.js';
import { useTexts } from '../../i18n/language.js';
import { messagesTexts } from './messages-texts.js';
import styles from './person-picker.module.css';

export interface Person {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
}

interface PersonPickerProps {
  readonly chosen: readonly Person[];
  readonly onChoose: (people: readonly Person[]) => void;
  /** Who is not offered: the viewer, and those who are there already. */
  readonly without: readonly string[];
}

/** How long somebody pauses before the server is asked, in milliseconds. */
const PAUSE_MS = 150;
const MOST_FOUND = 8;

/** Finds people by their names and collects them. Arrows move in what was found, Enter chooses, Backspace takes the last one out. */
export const PersonPicker = ({ chosen, onChoose, without }: PersonPickerProps) => {
  const t = useTexts(messagesTexts);
  const id = useId();
  const [text, setText] = useState('');
  const search = useSettled(text.trim(), PAUSE_MS);
  const [{ data, fetching }] = useQuery({ query: FindPeople, variables: { search, first: MOST_FOUND }, pause: search === '' });
  const hidden = new Set([...without, ...chosen.map((person) => person.id)]);
  const found = search === '' ? [] : (data?.users?.nodes ?? []).filter((person) => !hidden.has(person.id));
  return (
    <div className={styles.picker}>
      <label htmlFor={id} className={styles.label}>
        {t('findPeople')}
      </label>
      {chosen.length > 0 && (
        <ul className={styles.chosen} aria-label={t('people')}>
          {chosen.map((person) => (
            <li key={person.id} className={styles.chip}>
              <span className={styles.name} dir="auto">
                {person.displayName}
              </span>
              <button
                type="button"
                className={styles.out}
                aria-label={t('takeOut', { name: person.displayName })}
                onClick={() => onChoose(chosen.filter((each) => each.id !== person.id))}
              >
                <X size={16} aria-hidden="true" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <ComboboxProvider inputValue={text} setInputValue={setText} open>
        <Combobox
          id={id}
          autoSelect
          autoFocus
          className={styles.input}
          autoComplete="off"
          onKeyDown={(event) => {
            if (event.key === 'Backspace' && text === '') onChoose(chosen.slice(0, -1));
          }}
        />
        <ComboboxList className={styles.found} alwaysVisible aria-label={t('people')}>
          {found.map((person) => (
            <ComboboxItem
              key={person.id}
              value={person.username}
              className={styles.person}
              setValueOnClick={false}
              hideOnClick={false}
              onClick={() => {
                onChoose([...chosen, person]);
                setText('');
              }}
            >
              <Avatar name={person.displayName} of={person.username} size={24} />
              <span className={styles.name} dir="auto">
                {person.displayName}
              </span>
              <Handle of={person.username} className={styles.username} />
            </ComboboxItem>
          ))}
        </ComboboxList>
      </ComboboxProvider>
      <p className={styles.hint} role="status">
        {search !== '' && !fetching && found.length === 0 ? t('nobodyFound') : ''}
      </p>
    </div>
  );
};
