/** Every address that a link may lead to; the first part of each is one of {@link PLACES}. */
export const paths = {
  home: '/',
  vault: '/vault',
  vaultOf: (filter: Readonly<Partial<Record<'category' | 'tag' | 'author', string>>>) => `/vault?${new URLSearchParams(filter).toString()}`,
  entry: (slug: string) => `/vault/entries/${encodeURIComponent(slug)}`,
  newEntry: '/vault/new',
  entryHistory: (slug: string) => `/vault/entries/${encodeURIComponent(slug)}/history`,
  editEntry: (slug: string) => `/vault/entries/${encodeURIComponent(slug)}/edit`,
  feed: '/feed',
  post: (id: string) => `/posts/${encodeURIComponent(id)}`,
  people: '/people',
  person: (username: string) => `/people/${encodeURIComponent(username)}`,
  messages: '/messages',
  /** Begins a conversation with somebody, or opens the one that there is. */
  messageTo: (username: string) => `/messages?to=${encodeURIComponent(username)}`,
  conversation: (id: string) => `/messages/${encodeURIComponent(id)}`,
  join: (code = '') => (code === '' ? '/join' : `/join/${encodeURIComponent(code)}`),
  notifications: '/notifications',
  settings: '/settings',
  alerts: '/alerts',
  audit: '/audit',
  auditBy: (viaId: string) => `/audit?by=${encodeURIComponent(viaId)}`,
  auditOf: (actorId: string) => `/audit?actor=${encodeURIComponent(actorId)}`,
  invitations: '/invitations',
  developers: '/developers',
  signIn: (then?: string) => withThen('/sign-in', then),
  register: (then?: string) => withThen('/register', then),
  guest: (then?: string) => withThen('/guest', then),
  forgotPassword: '/forgot-password',
} as const;

/** Where to go on after signing in. */
const withThen = (path: string, then: string | undefined): string =>
  then === undefined ? path : `${path}?then=${encodeURIComponent(then)}`;

/** The address of `?then=`, if it is one of this client. */
export const thenOf = (search: string): string | null => {
  const then = new URLSearchParams(search).get('then');
  return then !== null && /^\/(?![/\\])/.test(then) ? then : null;
};

/** What stands behind the `#` of the address: the secret of a link that was mailed, the code of an invitation. It is sent to nobody by itself. */
export const secretOfAddress = (): string => window.location.hash.slice(1);
