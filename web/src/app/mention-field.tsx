import { useState } from 'react';
import { useQuery } from 'urql';
import { SuggestingField, type Mentionable, type MentionFieldProps } from '../design/mention-field.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import { FindPeople } from './people/operations.js';
import { useSettled } from './settled.js';

/** How long somebody pauses before the server is asked, in milliseconds. */
const PAUSE_MS = 120;
const SHOWN = 6;

interface Props extends MentionFieldProps {
  /** The people to suggest, such as the members of a conversation as far as they are loaded; everybody, found by the server, when left out. */
  readonly among?: readonly Mentionable[];
}

const fits = ({ username, displayName }: Mentionable, search: string): boolean =>
  `${username} ${displayName}`.toLocaleLowerCase().includes(search.toLocaleLowerCase());

/**
 * Where people write: a text that grows, in which `@` suggests people by what follows it. The text and what is done with it are the page's:
 *
 *     <MentionField label={t('write')} value={text} onChange={setText} onSend={send} sendBy="enter" opens="above" among={members} />
 *
 * `sendBy="enter"` is for conversations (Shift+Enter makes a line), `'ctrl-enter'` (the default) for longer texts; without `onSend` no key sends. `opens` says where the
 * suggestions have room: above it at the foot of a page. Further attributes go to the textarea: `autoFocus`, `maxLength`, `aria-invalid`, `onBlur` is its own.
 */
export const MentionField = ({ among, ...rest }: Props) => {
  const t = useTexts(appTexts);
  const [search, setSearch] = useState<string | null>(null);
  const asked = useSettled(search ?? '', PAUSE_MS);
  const [{ data }] = useQuery({
    query: FindPeople,
    variables: { search: asked, first: SHOWN },
    pause: among !== undefined || search === null || asked === '',
    requestPolicy: 'cache-first',
  });
  const known = among ?? data?.users?.nodes ?? [];
  const people = search === null ? [] : known.filter((person) => fits(person, search)).slice(0, SHOWN);
  return <SuggestingField {...rest} people={people} onSearch={setSearch} peopleLabel={t('mentionables')} />;
};
