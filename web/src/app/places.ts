/**
 * The first part of every address of the client; the empty one is `/`. The server answers each of them with the page, and whatever else with
 * 404. A new page needs its place here and its line in `routes.tsx`.
 */
export const PLACES = [
  '',
  'vault',
  'entries',
  'feed',
  'posts',
  'people',
  'messages',
  'join',
  'notifications',
  'settings',
  'alerts',
  'audit',
  'invitations',
  'developers',
  'sign-in',
  'register',
  'guest',
  'verify-email',
  'confirm-sign-in',
  'forgot-password',
  'reset-password',
] as const;
