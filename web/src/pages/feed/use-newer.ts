import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import { useConnection } from '../../api/api-provider.js';
import { Newest } from './operations.js';

/** Whose posts are shown. */
export type Kind = 'following' | 'everyone';

/** How often it is looked for newer posts while the page is seen, in milliseconds. */
const EVERY_MS = 20_000;
/** So many are looked at; more than that are only told to be many. */
export const LOOKED_AT = 10;

/** How many posts stand before those that are shown: looked for by and by, when the page is seen again, and when the connection has come back. */
export const useNewer = (kind: Kind, shown: readonly { readonly id: string }[] | null): number => {
  const client = useClient();
  const { returns } = useConnection();
  const [newest, setNewest] = useState<readonly { readonly id: string }[]>([]);
  const isRead = shown !== null;
  useEffect(() => {
    if (!isRead) return;
    let isGone = false;
    const look = async (): Promise<void> => {
      if (document.visibilityState === 'hidden') return;
      const variables = { first: LOOKED_AT, following: kind === 'following' };
      const { data } = await client.query(Newest, variables, { requestPolicy: 'network-only' }).toPromise();
      const found = data?.feed ?? data?.posts;
      if (found && !isGone) setNewest(found.nodes);
    };
    const onSeen = (): void => void look();
    onSeen();
    const timer = setInterval(onSeen, EVERY_MS);
    document.addEventListener('visibilitychange', onSeen);
    return () => {
      isGone = true;
      clearInterval(timer);
      document.removeEventListener('visibilitychange', onSeen);
    };
  }, [client, kind, isRead, returns]);
  if (shown === null) return 0;
  const known = new Set(shown.map(({ id }) => id));
  const place = newest.findIndex(({ id }) => known.has(id));
  return place === -1 ? newest.length : place;
};
