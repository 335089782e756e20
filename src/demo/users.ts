/** Of every demo user. */
export const DEMO_PASSWORD = 'lyceum-demo';

/** Who is offered for signing in with one click: the users of `prisma/seed/demo.json`, the one whose examples these are first. */
export const DEMO_USERS: readonly string[] = [
  'ada',
  'ben',
  'chloe',
  'david',
  'elif',
  'farid',
  'greta',
  'hiro',
  'ines',
  'jonas',
  'kofi',
  'admin',
];
