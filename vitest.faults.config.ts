import { defineConfig } from 'vitest/config';

/** What kills, fills and backs up, again and again. */
export const faults = [
  'test/process/backup.test.ts',
  'test/process/disk.test.ts',
  'test/process/durability.test.ts',
  'test/process/idempotency.test.ts',
  'test/process/instances.test.ts',
  'test/process/restore-interrupted.test.ts',
];

/** A minute and more; `KILLS` and `BACKUP_ROUNDS` in the environment say how often. */
export default defineConfig({
  test: { include: faults, pool: 'forks', maxWorkers: 3, testTimeout: 120_000, hookTimeout: 60_000 },
});
