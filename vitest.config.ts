import { globSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { defineConfig } from 'vitest/config';
import { findFrameworkTests, withoutExamples } from './scripts/lib/framework-files.ts';

/** Whether the framework's own tests run. Elsewhere only the projects `services` and `postgres` exist. */
const frameworkTests = findFrameworkTests();
const hasFrameworkTests = frameworkTests === 'present';
/** Tests that start many processes, or kill them, fill disks and back up, again and again. */
const faults = ['test/e2e/faults/*.test.ts', 'test/docs/first-steps.test.ts', 'test/docs/upgrading.test.ts'];
/** Tests of the services and of the database, on SQLite and again on PostgreSQL. */
const ofServices = 'test/services/**/*.test.ts';
const onBothDatabases = hasFrameworkTests
  ? [ofServices, 'test/framework/events/*.test.ts', 'test/framework/http/stored-text.test.ts']
  : [ofServices];
const onPostgres = 'test/framework/database/postgres/**/*.test.ts';

const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 };
// The default of 1 s is too short on a busy machine; a condition that holds ends the wait early.
const expect = { poll: { timeout: 15_000 } };

const projects = [
  {
    test: { name: 'services', isolate: false, include: [ofServices], ...timeouts, expect },
  },
  {
    test: {
      name: 'framework',
      // Files share a process, and load the framework once: a sixth of the time less.
      isolate: false,
      setupFiles: 'test/support/reset-limits.ts',
      include: ['test/**/*.test.ts'],
      exclude: [
        'test/services/**',
        'test/e2e/browser/**',
        'test/e2e/groupings/restart.test.ts',
        'test/e2e/groupings/auth.test.ts',
        onPostgres,
        ...faults,
      ],
      ...timeouts,
      expect,
    },
  },
  {
    test: {
      name: 'postgres',
      include: hasFrameworkTests ? [...onBothDatabases, onPostgres] : onBothDatabases,
      globalSetup: 'test/support/postgres-setup.ts',
      setupFiles: 'test/support/postgres-env.ts',
      ...timeouts,
      expect,
    },
  },
  // A minute and more; `KILLS` and `BACKUP_ROUNDS` in the environment say how often.
  { test: { name: 'faults', include: faults, testTimeout: 120_000, hookTimeout: 60_000, expect } },
  {
    test: {
      name: 'browser',
      include: ['test/e2e/browser/**/*.test.ts'],
      // The tests share one browser, each with a context and a server of its own.
      sequence: { concurrent: true },
      maxConcurrency: 3,
      ...timeouts,
      expect,
    },
  },
  {
    test: {
      // Every grouping, over real processes; `GROUPINGS=all` in the environment.
      name: 'groupings',
      include: ['test/e2e/groupings/*.test.ts'],
      // Each starts some processes of its own.
      fileParallelism: false,
      ...timeouts,
      expect,
    },
  },
];

/** `npm test` runs these. `--project NAME` runs one project, also one of the others. */
const standard = ['services', 'framework', 'postgres'];
const option = { type: 'string', multiple: true } as const;
const { project: selected = [] } = parseArgs({ options: { project: option }, strict: false }).values;
const existing = projects.filter(
  ({ test }) => hasFrameworkTests || ['services', 'postgres'].includes(test.name),
);
rejectUnknown(existing.map(({ test }) => test.name));
const hasTests = hasFrameworkTests || globSync(ofServices).length > 0;
if (frameworkTests === 'without examples') console.log(withoutExamples);
if (!hasTests)
  console.log('No service has a test yet: ./run.sh new service NAME writes a service with its test');

export default defineConfig({
  test: {
    pool: 'forks',
    // Most of the time they wait for processes and sockets, not for a core.
    maxWorkers: 3,
    passWithNoTests: !hasTests,
    projects: existing.filter(({ test }) => selected.length > 0 || standard.includes(test.name)),
    coverage: {
      include: ['src/**/*.ts'],
      // Run as processes of their own, and are tested as such.
      exclude: [
        'src/main.ts',
        'src/framework/start.ts',
        'src/framework/app/start.ts',
        'src/framework/app/instance-processes.ts',
        'src/framework/app/instances.ts',
        'src/framework/database/backup/*.ts',
      ],
      thresholds: { lines: 90, branches: 90 },
      reporter: ['text', 'json-summary'],
    },
  },
});

/** Ends the process if `--project` names no project, because Vitest would print a stack or skip the name. */
function rejectUnknown(names: readonly string[]): void {
  // `!NAME` selects all other projects, and Vitest matches patterns with `*`.
  const all = selected.map((name) => String(name).replace(/^!/, ''));
  const unknown = all.find((name) => !name.includes('*') && !names.includes(name));
  if (unknown === undefined) return;
  console.error(`Unknown project ${unknown}. Expected one of ${names.join(', ')}`);
  process.exit(2);
}
