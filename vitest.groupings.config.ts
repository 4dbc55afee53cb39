import { defineConfig } from 'vitest/config';

/** Every grouping, over real processes; `GROUPINGS=all` in the environment. */
export default defineConfig({
  test: {
    include: ['test/e2e/groupings/*.test.ts'],
    pool: 'forks',
    // Each starts some processes of its own.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 20_000,
  },
});
