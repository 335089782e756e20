import { Bell, BookOpen, Ellipsis, LogIn, MessagesSquare, Moon, Newspaper, Search, Sun, type LucideIcon } from 'lucide-react';
import { lazy, Suspense, useCallback, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useOwner } from '../api/api-provider.js';
import { IconButton } from '../design/button.js';
import { CountBadge } from '../design/count-badge.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import { ConnectionLine } from './connection-line.js';
import { useFollowedLinks } from './followed-links.js';
import { useKeptScroll } from './kept-scroll.js';
import { useKeys } from './keys.js';
import { LiveViewer } from './live-viewer.js';
import { paths } from './paths.js';
import { preferences } from './preferences.js';
import { useViewer } from './viewer.js';
import { useWaiting } from './title.js';
import styles from './shell.module.css';

interface Place {
  readonly to: string;
  readonly name: string;
  readonly Icon: LucideIcon;
  readonly badge?: ReactNode;
}

const NOTHING = { messages: 0, mentions: 0, notifications: 0, requests: 0 };

const isIn = (location: string, to: string): boolean => location === to || location.startsWith(`${to}/`);

const PlaceLink = ({ to, name, Icon, badge }: Place) => {
  const [location] = useLocation();
  return (
    <Link to={to} className={styles.place} aria-current={isIn(location, to) ? 'page' : undefined} title={name}>
      <span className={styles.icon}>
        <Icon size={20} aria-hidden="true" />
        {badge !== undefined && <span className={styles.badge}>{badge}</span>}
      </span>
      <span className={styles.name}>{name}</span>
    </Link>
  );
};

/** For those who are signed in alone: a visitor loads no menus. */
const AccountMenu = lazy(() => import('./account-menu.js'));

/** For administrators alone. */
const LiveAlerts = lazy(() => import('./live-alerts.js'));

/** What is above the page is loaded when it is first opened. */
const Palette = lazy(() => import('./palette.js'));
const KeyList = lazy(() => import('./key-list.js'));

const ThemeButton = () => {
  const t = useTexts(appTexts);
  const { theme } = useSyncExternalStore(preferences.onChange, preferences.get);
  const isDark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  return (
    <IconButton
      label={isDark ? t('lightTheme') : t('darkTheme')}
      icon={isDark ? <Sun size={20} /> : <Moon size={20} />}
      onClick={() => preferences.set({ theme: isDark ? 'light' : 'dark' })}
    />
  );
};

/** The frame around every page: the rail of places, which is a bar at the bottom of a narrow screen, and the page. */
export const Shell = ({ children }: { readonly children: ReactNode }) => {
  const t = useTexts(appTexts);
  const owner = useOwner();
  const viewer = useViewer();
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  useKeptScroll(main, 'main');
  const follow = useFollowedLinks();
  const [above, setAbove] = useState<'nothing' | 'palette' | 'keys'>('nothing');
  const openPalette = useCallback(() => setAbove('palette'), []);
  const openKeys = useCallback(() => setAbove('keys'), []);
  const close = useCallback(() => setAbove((present) => (present === 'nothing' ? present : 'nothing')), []);
  useKeys({ onPalette: openPalette, onKeys: openKeys });
  const { messages, mentions, notifications, requests } = viewer?.unread ?? NOTHING;
  // Of a mention there is a notification, or the message itself is counted.
  useWaiting(messages + requests + notifications);
  const waitingMessages = [
    messages > 0 && t('unreadMessages', { count: messages }),
    mentions > 0 && t('mentions', { count: mentions }),
    requests > 0 && t('requests', { count: requests }),
  ].filter((words) => words !== false);
  const places: readonly Place[] = [
    { to: paths.vault, name: t('vault'), Icon: BookOpen },
    { to: paths.feed, name: t('feed'), Icon: Newspaper },
    {
      to: paths.messages,
      name: t('messages'),
      Icon: MessagesSquare,
      badge: <CountBadge count={messages + requests} label={waitingMessages.join(', ')} {...(mentions > 0 ? { mark: '@' } : {})} />,
    },
    {
      to: paths.notifications,
      name: t('notifications'),
      Icon: Bell,
      badge: <CountBadge count={notifications} label={t('unreadNotifications', { count: notifications })} />,
    },
  ];
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#page">
        {t('skip')}
      </a>
      <nav className={styles.rail} aria-label={t('places')}>
        {places.map((place) => (
          <PlaceLink key={place.to} {...place} />
        ))}
        <div className={styles.account}>
          <div className={styles.extras}>
            <IconButton label={t('search')} icon={<Search size={20} />} onClick={openPalette} />
            <ThemeButton />
          </div>
          {owner === null ? (
            <>
              <span className={styles.wideOnly}>
                <PlaceLink to={paths.signIn(location)} name={t('signIn')} Icon={LogIn} />
              </span>
              <span className={styles.narrowOnly}>
                <PlaceLink to={paths.settings} name={t('more')} Icon={Ellipsis} />
              </span>
            </>
          ) : (
            <Suspense>
              <AccountMenu onPalette={openPalette} />
            </Suspense>
          )}
        </div>
      </nav>
      <ConnectionLine />
      {owner !== null && <LiveViewer />}
      <Suspense>{viewer?.user.role === 'ADMIN' && <LiveAlerts />}</Suspense>
      <Suspense>
        {above === 'palette' && <Palette onClose={close} onKeys={openKeys} />}
        {above === 'keys' && <KeyList onClose={close} />}
      </Suspense>
      <main ref={main} id="page" className={styles.main} tabIndex={-1} onClick={follow}>
        {children}
      </main>
    </div>
  );
};
