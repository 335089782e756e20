import { defineConfig } from 'vitest/config';

/** The suites whose files run one after another in a process that they share: to load the server takes as long as many a file needs for its tests. */
const SHARED = ['architecture', 'contracts', 'domains', 'markdown', 'server', 'texts'].map((suite) => `tests/${suite}/**/*.test.ts`);

export default defineConfig({
  // As Node resolves it: else our sources get graphql's `module` build and its libraries the `main` one, two realms in one process.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    globalSetup: ['tests/kit/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 3,
    // A condition comes when it comes: these end what hangs, and say nothing of how fast a machine is that has much to do.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    projects: [
      // Each file has a database and an app of its own, and leaves nothing behind: no setting in `process.env`, no timer. One that adds to the
      // schema is none of these suites.
      { extends: true, test: { name: 'shared', include: SHARED, isolate: false } },
      // A process of its own keeps what a file does to it, such as stopping it or measuring its memory, from the next one.
      { extends: true, test: { name: 'own', include: ['tests/**/*.test.ts'], exclude: SHARED } },
    ],
  },
});
