import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As Node resolves it: else our sources get graphql's `module` build and its libraries the `main` one, two realms in one process.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/kit/global-setup.ts'],
    // Each file has a database and an app of its own; a process of its own keeps what it leaves behind from the next one.
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A condition comes when it comes: machines are slow at times, and a second is no bound that says anything.
    expect: { poll: { timeout: 15_000 } },
  },
});
