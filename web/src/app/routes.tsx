import { lazy, Suspense, type ComponentType } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { Skeleton } from '../design/skeleton.js';
import { PageBody } from './page.js';
import { paths } from './paths.js';

type PageModule = Promise<{ readonly default: ComponentType }>;

/** Each page is a chunk of its own, loaded when it is first opened. The first pattern that fits wins. */
export const ROUTES: readonly (readonly [pattern: string, load: () => PageModule])[] = [
  ['/vault/new', () => import('../pages/editor/editor-page.js')],
  ['/vault/entries/:slug/edit', () => import('../pages/editor/editor-page.js')],
  ['/vault/entries/:slug/history', () => import('../pages/history/history-page.js')],
  ['/vault/entries/:slug', () => import('../pages/entry/entry-page.js')],
  ['/vault', () => import('../pages/vault/vault-page.js')],
  ['/feed', () => import('../pages/feed/feed-page.js')],
  ['/people/:username', () => import('../pages/person/person-page.js')],
  ['/people', () => import('../pages/people/people-page.js')],
  ['/posts/:id', () => import('../pages/post/post-page.js')],
  ['/messages/:id?', () => import('../pages/messages/messages-page.js')],
  ['/join/:code?', () => import('../pages/join/join-page.js')],
  ['/notifications', () => import('../pages/notifications/notifications-page.js')],
  ['/settings', () => import('../pages/settings/settings-page.js')],
  ['/alerts', () => import('../pages/alerts/alerts-page.js')],
  ['/audit', () => import('../pages/audit/audit-page.js')],
  ['/invitations', () => import('../pages/invitations/invitations-page.js')],
  ['/developers', () => import('../pages/developers/developers-page.js')],
  ['/sign-in/oidc', () => import('../pages/sign-in/oidc-page.js')],
  ['/sign-in', () => import('../pages/sign-in/sign-in-page.js')],
  ['/register', () => import('../pages/sign-in/register-page.js')],
  ['/guest', () => import('../pages/sign-in/guest-page.js')],
  ['/verify-email', () => import('../pages/sign-in/verify-email-page.js')],
  ['/confirm-sign-in', () => import('../pages/sign-in/confirm-sign-in-page.js')],
  ['/forgot-password', () => import('../pages/sign-in/forgot-password-page.js')],
  ['/reset-password', () => import('../pages/sign-in/reset-password-page.js')],
];

const NotFound = lazy(() => import('../pages/not-found/not-found-page.js'));
const PAGES = ROUTES.map(([pattern, load]) => ({ pattern, Page: lazy(load) }));

const Loading = () => (
  <PageBody>
    <Skeleton lines={6} />
  </PageBody>
);

export const Routes = () => (
  <Suspense fallback={<Loading />}>
    <Switch>
      <Route path="/">
        <Redirect to={paths.vault} replace />
      </Route>
      {/* As entries link to one another, whatever shows them. */}
      <Route path="/entries/:slug">{({ slug }) => <Redirect to={paths.entry(slug)} replace />}</Route>
      {PAGES.map(({ pattern, Page }) => (
        <Route key={pattern} path={pattern}>
          <Page />
        </Route>
      ))}
      <Route>
        <NotFound />
      </Route>
    </Switch>
  </Suspense>
);
