import { useId, useImperativeHandle, useRef, useState, type ComponentProps, type KeyboardEvent, type Ref } from 'react';
import { Avatar } from './avatar.js';
import { classNames } from './class-names.js';
import { Handle } from './handle.js';
import styles from './mention-field.module.css';

export interface Mentionable {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
}

export interface MentionFieldProps extends Omit<ComponentProps<'textarea'>, 'value' | 'onChange' | 'aria-label' | 'ref'> {
  /** What is written here; read to a screen reader, and shown as the placeholder unless there is another. */
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
  /** What Enter does, or Ctrl+Enter and Cmd+Enter, where a text has more than one line. */
  readonly onSend?: () => void;
  readonly sendBy?: 'enter' | 'ctrl-enter';
  /** The textarea, to put the focus into it. */
  readonly ref?: Ref<HTMLTextAreaElement | null>;
  /** Where there is room for the people. */
  readonly opens?: 'above' | 'below';
}

interface SuggestingProps extends MentionFieldProps {
  /** The people who fit what was typed after `@`, the likeliest first. */
  readonly people: readonly Mentionable[];
  /** Called with what stands between `@` and the caret, and with null when nobody is being mentioned. */
  readonly onSearch: (search: string | null) => void;
  /** What the list of people is, for a screen reader. */
  readonly peopleLabel: string;
}

/** An `@` that is not inside a word, as the server finds mentions, and what was typed of the name so far. */
const BEGUN = /(?<![\p{L}\p{N}_@.-])@([\p{L}\p{N}_-]{0,30})$/u;

/**
 * A text of several lines in which `@` suggests people: arrows move, Enter and Tab choose, Escape closes. It grows with its text. The textarea
 * stays a text box with a list that it controls; the role of a combobox is not for textareas.
 */
export const SuggestingField = ({
  label,
  value,
  onChange,
  onSend,
  sendBy = 'ctrl-enter',
  opens = 'below',
  people,
  onSearch,
  peopleLabel,
  ref,
  className,
  onKeyDown,
  ...rest
}: SuggestingProps) => {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  useImperativeHandle<HTMLTextAreaElement | null, HTMLTextAreaElement | null>(ref, () => area.current, []);
  const [search, setSearch] = useState<string | null>(null);
  const [chosen, setChosen] = useState(0);
  const isOpen = search !== null && people.length > 0;
  const active = Math.min(chosen, people.length - 1);
  const optionId = (index: number): string => `${id}-${index}`;

  const look = (next: string | null): void => {
    if (next === search) return;
    setSearch(next);
    setChosen(0);
    onSearch(next);
  };
  const lookAtCaret = ({ value: text, selectionStart, selectionEnd }: HTMLTextAreaElement): void =>
    look(selectionStart === selectionEnd ? (BEGUN.exec(text.slice(0, selectionStart))?.[1] ?? null) : null);

  const mention = (person: Mentionable | undefined): void => {
    const { current } = area;
    if (!current || !person || search === null) return;
    const caret = current.selectionStart;
    const isFollowed = /^\s/.test(current.value.slice(caret));
    current.setRangeText(`@${person.username}${isFollowed ? '' : ' '}`, caret - search.length - 1, caret, 'end');
    current.focus();
    look(null);
    onChange(current.value);
  };

  const byKey = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    onKeyDown?.(event);
    // What an input method composes is its own until it is done.
    if (event.defaultPrevented || event.nativeEvent.isComposing) return;
    const { key } = event;
    const isEnter = key === 'Enter' && !event.shiftKey;
    if (isOpen && (key === 'ArrowDown' || key === 'ArrowUp')) {
      event.preventDefault();
      setChosen((active + (key === 'ArrowDown' ? 1 : people.length - 1)) % people.length);
    } else if (isOpen && (isEnter || (key === 'Tab' && !event.shiftKey))) {
      event.preventDefault();
      mention(people[active]);
    } else if (isOpen && key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      look(null);
    } else if (isEnter && onSend && (sendBy === 'enter' || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onSend();
    }
  };

  return (
    <div className={styles.place}>
      <textarea
        dir="auto"
        rows={1}
        placeholder={label}
        {...rest}
        ref={area}
        className={classNames(styles.area, className)}
        value={value}
        aria-label={label}
        aria-autocomplete="list"
        aria-haspopup="listbox"
        aria-controls={isOpen ? id : undefined}
        aria-activedescendant={isOpen ? optionId(active) : undefined}
        onChange={({ currentTarget }) => {
          onChange(currentTarget.value);
          lookAtCaret(currentTarget);
        }}
        onSelect={({ currentTarget }) => {
          // Typing is looked at above; this is the caret that moves away from a name.
          if (search !== null) lookAtCaret(currentTarget);
        }}
        onBlur={() => look(null)}
        onKeyDown={byKey}
      />
      {isOpen && (
        <ul id={id} className={styles.people} role="listbox" aria-label={peopleLabel} data-opens={opens}>
          {people.map((person, index) => (
            <li
              key={person.id}
              id={optionId(index)}
              role="option"
              aria-selected={index === active}
              className={styles.person}
              onPointerMove={() => setChosen(index)}
              // The caret stays where it is.
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => mention(person)}
            >
              <Avatar name={person.displayName} of={person.username} size={24} />
              <span className={styles.name} dir="auto">
                {person.displayName}
              </span>
              <Handle of={person.username} className={styles.username} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
};
