import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/kit/global-setup.ts'],
    // Each file has a database and an app of its own; a process of its own keeps what it leaves behind from the next one.
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Vite's own transform of the sources; nothing of ours needs a plugin.
    server: { deps: { inline: [] } },
  },
});
