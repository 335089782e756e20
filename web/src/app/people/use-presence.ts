import { useLive } from '../../api/live.js';
import { PeoplePresence } from './operations.js';

/** As many people as one subscription may be for. */
const MOST = 100;

/** Keeps who of the people on a page is here, and which of their accounts is still there. */
export const usePresence = (userIds: readonly string[]): void => {
  const ids = [...new Set(userIds)].slice(0, MOST);
  useLive({ query: PeoplePresence, variables: ids.length === 0 ? null : { userIds: ids }, about: ids.join() });
};
