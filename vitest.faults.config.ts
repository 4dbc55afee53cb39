import { defineConfig } from 'vitest/config';

/** Tests that start many processes, or kill them, fill disks and back up, again and again. */
export const faults = [
  'test/e2e/faults/backup.test.ts',
  'test/e2e/faults/connections.test.ts',
  'test/e2e/faults/console.test.ts',
  'test/e2e/faults/disk.test.ts',
  'test/e2e/faults/durability.test.ts',
  'test/e2e/faults/idempotency.test.ts',
  'test/e2e/faults/instances.test.ts',
  'test/e2e/faults/metrics.test.ts',
  'test/e2e/faults/npm.test.ts',
  'test/e2e/faults/restore-interrupted.test.ts',
  'test/e2e/faults/run-sh.test.ts',
  'test/e2e/faults/scripts.test.ts',
  'test/e2e/faults/signals.test.ts',
  'test/e2e/faults/split.test.ts',
  'test/docs/add-a-service.test.ts',
  'test/docs/first-steps.test.ts',
  'test/docs/upgrading.test.ts',
];

/** A minute and more; `KILLS` and `BACKUP_ROUNDS` in the environment say how often. */
export default defineConfig({
  test: { include: faults, pool: 'forks', maxWorkers: 3, testTimeout: 120_000, hookTimeout: 60_000 },
});
