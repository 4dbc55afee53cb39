import { defineConfig } from 'vitest/config';
import { faults } from './vitest.faults.config.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'bench/*.test.ts'],
    // Those take Chromium, or a minute or more: .ci/run runs them.
    exclude: ['test/e2e/browser/**', 'test/e2e/groupings/restart.test.ts', ...faults],
    pool: 'forks',
    // Most of the time they wait for processes and sockets, not for a core.
    maxWorkers: 3,
    testTimeout: 60_000,
    // The default of 1 s is too short on a busy machine; a condition that holds ends the wait early.
    expect: { poll: { timeout: 15_000 } },
    hookTimeout: 60_000,
    coverage: {
      include: ['src/**/*.ts'],
      // Run as processes of their own, and are tested as such.
      exclude: [
        'src/main.ts',
        'src/framework/start.ts',
        'src/framework/app/start.ts',
        'src/framework/app/instances.ts',
        'src/framework/database/backup/*.ts',
      ],
      thresholds: { lines: 90, branches: 90 },
      reporter: ['text', 'json-summary'],
    },
  },
});
