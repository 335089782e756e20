import { useCallback, useEffect, useState } from 'react';
import { useClient } from 'urql';
import { useConnection, useOwner } from '../../api/api-provider.js';
import { useLive } from '../../api/live.js';
import { FeedLive, Newest } from './operations.js';

/** Whose posts are shown. */
export type Kind = 'following' | 'everyone';

/** How often a visitor, whom nothing tells of new posts, has it looked for them while the page is seen, in milliseconds. */
const EVERY_MS = 20_000;
/** So many of everyone's are looked at; more than that are only told to be many. */
export const LOOKED_AT = 10;

interface NewerOptions {
  readonly kind: Kind;
  /** The posts that are shown; null until they have been read. */
  readonly shown: readonly { readonly id: string }[] | null;
  /** Where the feed of the viewer stood when it was read. */
  readonly cursor: string | null;
  /** The cursor has expired: read the feed again. */
  readonly onExpired: () => void;
}

interface Newer {
  readonly count: number;
  /** Those that are counted now have been read, or are not there any more. */
  readonly settle: () => void;
}

/**
 * How many posts stand before those that are shown. What those write whom the viewer follows is told by the log of the feed. Of everyone's posts there is
 * none: they are looked at when the page is seen again, when the connection has come back, with each event of the feed, and for a visitor by and by.
 */
export const useNewer = ({ kind, shown, cursor, onExpired }: NewerOptions): Newer => {
  const client = useClient();
  const owner = useOwner();
  const { returns } = useConnection();
  const [told, setTold] = useState<readonly string[]>([]);
  const [newest, setNewest] = useState<readonly { readonly id: string }[]>([]);
  const looks = kind === 'everyone' && shown !== null;

  const look = useCallback(async (): Promise<void> => {
    if (document.visibilityState === 'hidden') return;
    const { data } = await client.query(Newest, { first: LOOKED_AT }, { requestPolicy: 'network-only' }).toPromise();
    if (data?.posts) setNewest(data.posts.nodes);
  }, [client]);
  useEffect(() => {
    if (!looks) return;
    const onSeen = (): void => void look();
    onSeen();
    const timer = owner === null ? setInterval(onSeen, EVERY_MS) : undefined;
    document.addEventListener('visibilitychange', onSeen);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', onSeen);
    };
  }, [looks, look, owner, returns]);

  const isFollowed = owner !== null && (kind === 'everyone' || cursor !== null);
  useLive({
    query: FeedLive,
    variables: isFollowed ? { after: cursor } : null,
    about: kind,
    onEvent: ({ feedEvents: { post } }) => {
      // One's own stand in the list by themselves, where they were written.
      if (!post || post.author.id === owner) return;
      if (kind === 'everyone') void look();
      else setTold((present) => [post.id, ...present.filter((id) => id !== post.id)]);
    },
    onExpired,
  });

  const settle = (): void => {
    setTold((present) => present.filter((id) => !told.includes(id)));
    setNewest((present) => (present === newest ? [] : present));
  };
  const known = new Set(shown?.map(({ id }) => id));
  const place = newest.findIndex(({ id }) => known.has(id));
  const count = kind === 'following' ? told.filter((id) => !known.has(id)).length : place === -1 ? newest.length : place;
  return { count: shown === null ? 0 : count, settle };
};
