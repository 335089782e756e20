import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useQuery } from 'urql';
import { useConnection, useOwner, useTermsRefusals } from '../api/api-provider.js';
import { readFragment } from '../gql/fragment-masking.js';
import type { ShellViewerQuery, UnreadFragment } from '../gql/graphql.js';
import { ShellViewer, Unread } from './operations.js';

type Me = NonNullable<ShellViewerQuery['me']>;

export interface Viewer extends Pick<Me, 'id' | 'user'> {
  /** How much waits for them, as the latest that has been heard says. */
  readonly unread: UnreadFragment;
  readonly canInvite: boolean;
  /** The terms that they have to accept before they do anything. */
  readonly owes: { readonly version: string; readonly url: string } | null;
}

const ViewerContext = createContext<Viewer | null>(null);
const AnsweredContext = createContext(false);

/** The newest counts that have come: an answer may be older than an event that overtook it. */
const useNewest = (counts: UnreadFragment | null): UnreadFragment | null => {
  const [newest, setNewest] = useState(counts);
  const isOlder = counts === null || (newest?.id === counts.id && newest.version >= counts.version);
  if (!isOlder) setNewest(counts);
  return isOlder ? newest : counts;
};

/**
 * Asks who is signed in, for the frame and for every page: once, and again where there may be other terms than before. Those change with a start of the
 * server, by which the connection is lost; whoever was at another process hears of them when something is refused.
 */
export const ViewerProvider = ({ children }: { readonly children: ReactNode }) => {
  const owner = useOwner();
  const [{ data, error }, ask] = useQuery({ query: ShellViewer, pause: owner === null });
  const { returns } = useConnection();
  const refusals = useTermsRefusals();
  useEffect(() => {
    if (owner !== null && returns + refusals > 0) ask({ requestPolicy: 'network-only' });
  }, [owner, returns, refusals, ask]);
  const me = owner === null ? null : (data?.me ?? null);
  const unread = useNewest(me && readFragment(Unread, me.unreadCounts));
  const canInvite = data?.registration.viewerCanInvite === true;
  const terms = data?.terms ?? null;
  const owes = terms?.viewerHasAccepted === false ? terms : null;
  const viewer = useMemo(() => me && unread && { id: me.id, user: me.user, unread, canInvite, owes }, [me, unread, canInvite, owes]);
  return (
    <ViewerContext value={viewer}>
      <AnsweredContext value={data !== undefined || error !== undefined}>{children}</AnsweredContext>
    </ViewerContext>
  );
};

/** Who is signed in; null for a visitor, and until it is known. Whether somebody is, `useOwner` knows at once. */
export const useViewer = (): Viewer | null => use(ViewerContext);

/**
 * Whether it has been answered who the viewer is, or could not be. The frame follows the log of notifications from the cursor that came with it, so a
 * list that is kept by that log is asked for afterwards: one that was read before might lack what came in between.
 */
export const useIsViewerAnswered = (): boolean => use(AnsweredContext);
