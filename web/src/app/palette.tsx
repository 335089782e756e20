import { Combobox, ComboboxGroup, ComboboxGroupLabel, ComboboxItem, ComboboxList, ComboboxProvider } from '@ariakit/react/combobox';
import { Dialog } from '@ariakit/react/dialog';
import {
  BookOpen,
  DoorOpen,
  Keyboard,
  MessagesSquare,
  Moon,
  Newspaper,
  PenLine,
  Settings,
  Sun,
  UserRound,
  Bell,
  Code,
  LogIn,
} from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useQuery } from 'urql';
import { useLocation } from 'wouter';
import { useOwner } from '../api/api-provider.js';
import { Handle } from '../design/handle.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import { PaletteSearch } from './operations.js';
import { paths } from './paths.js';
import { preferences } from './preferences.js';
import { useSettled } from './settled.js';
import styles from './palette.module.css';

interface PaletteProps {
  readonly onClose: () => void;
  readonly onKeys: () => void;
}

interface Choice {
  readonly id: string;
  readonly name: string;
  /** What tells it from others of the same name. */
  readonly about?: ReactNode;
  readonly icon: ReactNode;
  readonly onChoose: () => void;
}

interface Group {
  readonly name: string;
  readonly choices: readonly Choice[];
}

/** How long typing must pause before it is searched for, in milliseconds. */
const PAUSE_MS = 200;

const fold = (text: string): string => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLocaleLowerCase();

const useCommands = ({ onKeys }: Pick<PaletteProps, 'onKeys'>): readonly Choice[] => {
  const t = useTexts(appTexts);
  const [location, navigate] = useLocation();
  const owner = useOwner();
  const go = (id: string, name: string, icon: ReactNode, to: string): Choice => ({ id, name, icon, onChoose: () => navigate(to) });
  return [
    go('vault', t('vault'), <BookOpen size={16} />, paths.vault),
    go('feed', t('feed'), <Newspaper size={16} />, paths.feed),
    go('messages', t('messages'), <MessagesSquare size={16} />, paths.messages),
    go('notifications', t('notifications'), <Bell size={16} />, paths.notifications),
    go('join', t('joinRoom'), <DoorOpen size={16} />, paths.join()),
    ...(owner === null
      ? [go('sign-in', t('signIn'), <LogIn size={16} />, paths.signIn(location))]
      : [go('new-entry', t('newEntry'), <PenLine size={16} />, paths.newEntry)]),
    go('settings', t('settings'), <Settings size={16} />, paths.settings),
    go('developers', t('developers'), <Code size={16} />, paths.developers),
    { id: 'dark', name: t('darkTheme'), icon: <Moon size={16} />, onChoose: () => preferences.set({ theme: 'dark' }) },
    { id: 'light', name: t('lightTheme'), icon: <Sun size={16} />, onChoose: () => preferences.set({ theme: 'light' }) },
    { id: 'keys', name: t('keys'), icon: <Keyboard size={16} />, onChoose: onKeys },
  ];
};

const useFound = (text: string): { readonly groups: readonly Group[]; readonly isSearching: boolean } => {
  const t = useTexts(appTexts);
  const [, navigate] = useLocation();
  const signedIn = useOwner() !== null;
  const search = useSettled(text.trim(), PAUSE_MS);
  const [{ data, fetching }] = useQuery({ query: PaletteSearch, variables: { search, signedIn }, pause: search === '' });
  if (text.trim() === '' || !data) return { groups: [], isSearching: text.trim() !== '' };
  const entries = data.entries?.nodes ?? [];
  const people = data.users?.nodes ?? [];
  const rooms = (data.me?.conversations.nodes ?? [])
    .map(({ id, title, peer }) => ({ id, name: title ?? peer?.displayName ?? '', isDirect: title === null }))
    .filter(({ name }) => fold(name).includes(fold(text.trim())));
  return {
    isSearching: fetching || search !== text.trim(),
    groups: [
      {
        name: t('rooms'),
        choices: rooms.slice(0, 5).map(({ id, name, isDirect }) => ({
          id,
          name,
          icon: <MessagesSquare size={16} />,
          onChoose: () => navigate(paths.conversation(id)),
          ...(isDirect ? { about: t('direct') } : {}),
        })),
      },
      {
        name: t('entries'),
        choices: entries.map(({ id, slug, title }) => ({
          id,
          name: title,
          icon: <BookOpen size={16} />,
          onChoose: () => navigate(paths.entry(slug)),
        })),
      },
      {
        name: t('people'),
        choices: people.map(({ id, username, displayName }) => ({
          id,
          name: displayName,
          about: <Handle of={username} />,
          icon: <UserRound size={16} />,
          onChoose: () => navigate(paths.person(username)),
        })),
      },
    ],
  };
};

/** Finds entries, people, rooms and commands by a few letters; arrows and Enter choose, Escape closes. */
const Palette = ({ onClose, onKeys }: PaletteProps) => {
  const t = useTexts(appTexts);
  const [text, setText] = useState('');
  const commands = useCommands({ onKeys });
  const { groups: found, isSearching } = useFound(text);
  const wanted = fold(text.trim());
  const groups = [{ name: t('commands'), choices: commands.filter(({ name }) => fold(name).includes(wanted)) }, ...found].filter(
    ({ choices }) => choices.length > 0,
  );
  return (
    <Dialog
      open
      onClose={onClose}
      unmountOnHide
      aria-label={t('search')}
      className={styles.palette}
      backdrop={<div className={styles.backdrop} />}
    >
      <ComboboxProvider open inputValue={text} setInputValue={setText} compositeElementInFocusOrder={false} focusLoop>
        <Combobox autoSelect="always" placeholder={t('searchHint')} aria-label={t('search')} className={styles.input} />
        <ComboboxList alwaysVisible className={styles.list} aria-label={t('found')}>
          {groups.map(({ name, choices }) => (
            <ComboboxGroup key={name} className={styles.group}>
              <ComboboxGroupLabel className={styles.name}>{name}</ComboboxGroupLabel>
              {choices.map(({ id, name: choice, about, icon, onChoose }) => (
                <ComboboxItem
                  key={id}
                  className={styles.choice}
                  focusOnHover
                  setValueOnClick={false}
                  hideOnClick={false}
                  onClick={() => {
                    onClose();
                    onChoose();
                  }}
                >
                  <span className={styles.icon} aria-hidden="true">
                    {icon}
                  </span>
                  <span className={styles.text} dir="auto">
                    {choice}
                  </span>
                  {about !== undefined && <span className={styles.about}>{about}</span>}
                </ComboboxItem>
              ))}
            </ComboboxGroup>
          ))}
          {groups.length === 0 && !isSearching && <p className={styles.nothing}>{t('nothingFound')}</p>}
        </ComboboxList>
      </ComboboxProvider>
    </Dialog>
  );
};

export default Palette;
