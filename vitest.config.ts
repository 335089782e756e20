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
    // A condition comes when it comes: these end what hangs, and say nothing of how fast a machine is that has much to do.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
