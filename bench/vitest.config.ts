import { defineConfig } from 'vitest/config';

/** The tests of the benchmark, which are not in the suite of the product: `npx vitest run --config bench/vitest.config.ts`. */
export default defineConfig({ test: { include: ['bench/*.test.ts'], pool: 'forks', testTimeout: 60_000 } });
