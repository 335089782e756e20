import { useState } from 'react';
import { useOwner } from '../api/api-provider.js';
import { tokens } from '../api/session.js';
import { browserStorage } from '../api/storage.js';

/**
 * What somebody has written and not sent, kept in the browser: for each who signs in and each place. It outlives the page and the end of a session, and is gone
 * when they sign out.
 */
export interface KeptText {
  readonly read: () => string | null;
  /** An empty text is forgotten. @returns whether it outlives the page */
  readonly keep: (text: string) => boolean;
  readonly forget: () => void;
}

const keyOf = (owner: string, place: string): string => `lyceum:text:${owner}:${place}`;

/** A page that is left keeps what was written on it; one that is left because they sign out, in whichever tab, keeps nothing. */
const isHere = (owner: string): boolean => tokens.owner() === owner && tokens.present() !== null;

/** @param place `conversation ID`, `entry ID`: what stands there is written once */
export const keptText = (owner: string, place: string): KeptText => {
  const key = keyOf(owner, place);
  const forget = (): void => browserStorage.removeItem(key);
  return {
    read: () => browserStorage.getItem(key),
    keep: (text) => {
      if (!isHere(owner)) return false;
      if (text !== '') return browserStorage.setItem(key, text);
      forget();
      return true;
    },
    forget,
  };
};

/** The places with a text of theirs whose names begin so. */
export const keptPlaces = (owner: string, beginning = ''): readonly string[] => {
  const prefix = keyOf(owner, '');
  const places = browserStorage.keys().flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
  return places.filter((place) => place.startsWith(beginning));
};

/** Calls with each place of theirs whose text another tab has forgotten. */
export const onForgottenElsewhere = (owner: string, listener: (place: string) => void): void => {
  const prefix = keyOf(owner, '');
  addEventListener('storage', ({ key, newValue }) => {
    if (newValue === null && key?.startsWith(prefix) === true) listener(key.slice(prefix.length));
  });
};

/** Forgets all that they have written and not sent; after they have signed out, so that no page keeps it again. */
export const forgetTexts = (owner: string): void => {
  for (const place of keptPlaces(owner)) keptText(owner, place).forget();
};

/** A text that is being written, as the browser keeps it until it is sent; nowhere where its place is null. */
export const useDraft = (place: string | null): [text: string, write: (text: string) => void] => {
  const owner = useOwner();
  const kept = owner === null || place === null ? null : keptText(owner, place);
  const [text, setText] = useState(() => kept?.read() ?? '');
  return [
    text,
    (next) => {
      setText(next);
      kept?.keep(next);
    },
  ];
};
