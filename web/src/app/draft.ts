import { useState } from 'react';
import { useOwner } from '../api/api-provider.js';

/** A text that is being written: kept in the browser until it is sent, for each who signs in and each place. */
export const useDraft = (place: string | null): [text: string, write: (text: string) => void] => {
  const key = `lyceum:draft:${useOwner() ?? ''}:${place ?? ''}`;
  const [text, setText] = useState(() => (place === null ? '' : (localStorage.getItem(key) ?? '')));
  return [
    text,
    (next) => {
      setText(next);
      if (place === null) return;
      if (next === '') localStorage.removeItem(key);
      else localStorage.setItem(key, next);
    },
  ];
};
