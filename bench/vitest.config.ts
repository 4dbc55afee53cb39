import { defineConfig } from 'vitest/config';

/** The tests of the benchmark. They are no part of the product's suite: `npx vitest run --config bench/vitest.config.ts`. */
export default defineConfig({ test: { include: ['bench/*.test.ts'], pool: 'forks', testTimeout: 60_000 } });
