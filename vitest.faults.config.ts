import { defineConfig } from 'vitest/config';

/** Tests that start many processes, or kill them, fill disks and back up, again and again. */
export const faults = [
  'test/process/backup.test.ts',
  'test/process/connections.test.ts',
  'test/process/console.test.ts',
  'test/process/disk.test.ts',
  'test/process/durability.test.ts',
  'test/process/idempotency.test.ts',
  'test/process/instances.test.ts',
  'test/process/metrics.test.ts',
  'test/process/npm.test.ts',
  'test/process/restore-interrupted.test.ts',
  'test/process/run-sh.test.ts',
  'test/process/scripts.test.ts',
  'test/process/signals.test.ts',
  'test/process/split.test.ts',
  'test/readme-service.test.ts',
];

/** A minute and more; `KILLS` and `BACKUP_ROUNDS` in the environment say how often. */
export default defineConfig({
  test: { include: faults, pool: 'forks', maxWorkers: 3, testTimeout: 120_000, hookTimeout: 60_000 },
});
