import { useSearch } from 'wouter';
import { paths } from '../../app/paths.js';

/** Which of the viewer's conversations the list shows. */
export type Which = 'inbox' | 'requests' | 'archived';

/** As the address says, also beside an open conversation. */
export const useWhich = (): Which => {
  const wanted = new URLSearchParams(useSearch()).get('list');
  return wanted === 'requests' || wanted === 'archived' ? wanted : 'inbox';
};

/** Where a list is, and where a conversation is beside it. */
export const addressOf = (which: Which, id?: string): string =>
  `${id === undefined ? paths.messages : paths.conversation(id)}${which === 'inbox' ? '' : `?list=${which}`}`;
