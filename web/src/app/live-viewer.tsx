import { useQuery } from 'urql';
import { useLive } from '../api/live.js';
import { ShellNotified, ShellUnread, ShellViewer } from './operations.js';

/** Follows, for all pages, what concerns the viewer: counts and notifications change wherever they are shown. */
export const LiveViewer = () => {
  const [{ data }, readAgain] = useQuery({ query: ShellViewer });
  const me = data?.me;
  useLive({ query: ShellUnread, variables: me ? {} : null, about: me?.id ?? '' });
  useLive({
    query: ShellNotified,
    variables: me ? { after: me.notificationCursor } : null,
    about: me?.id ?? '',
    onExpired: () => readAgain({ requestPolicy: 'network-only' }),
  });
  return null;
};
