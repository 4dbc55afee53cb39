import { defineConfig } from 'vitest/config';

/** The tests that need Chromium; `npm test` does without. */
export default defineConfig({
  test: {
    include: ['test/e2e/browser/**/*.test.ts'],
    pool: 'forks',
    // The tests share one browser, each with a context and a server of its own.
    sequence: { concurrent: true },
    maxConcurrency: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
