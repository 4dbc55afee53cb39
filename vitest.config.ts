import { defineConfig } from 'vitest/config';
import { faults } from './vitest.faults.config.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Those take Chromium, or a minute or more: .ci/run runs them.
    exclude: ['test/browser/**', 'test/groupings/restart.test.ts', ...faults],
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
      exclude: ['src/app/main.ts', 'src/app/start.ts', 'src/app/instances.ts', 'src/common/backup*.ts'],
      thresholds: { lines: 90, branches: 90 },
      reporter: ['text', 'json-summary'],
    },
  },
});
