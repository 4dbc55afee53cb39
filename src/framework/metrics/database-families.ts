import { type Family, toSamples } from './family.ts';
import type { DatabaseSource } from './sources.ts';

const commitWrites = 'database_commit_writes';

/** Creates the metrics of the databases, by service. */
export function createDatabaseFamilies(databases: ReadonlyMap<string, DatabaseSource>): Family[] {
  const ofDatabases = (read: (database: DatabaseSource) => number | undefined) =>
    [...databases].flatMap(([service, database]) => {
      const value = read(database);
      return value === undefined ? [] : [{ labels: { service }, value }];
    });

  return [
    {
      name: commitWrites,
      help: 'Writes in one transaction, which share a flush to disk.',
      type: 'histogram',
      read: () =>
        [...databases].flatMap(([service, { counts }]) =>
          toSamples(commitWrites, { service }, counts.commits),
        ),
    },
    {
      name: 'database_write_failures_total',
      help: 'Writes that failed because the disk was full or failed, or because another process held a lock.',
      type: 'counter',
      read: () =>
        [...databases].flatMap(([service, { counts }]) =>
          Object.entries(counts.failures).map(([reason, value]) => ({ labels: { service, reason }, value })),
        ),
    },
    {
      name: 'database_size_bytes',
      help: 'Size of the database file.',
      type: 'gauge',
      read: () => ofDatabases((database) => database.sizes()?.main),
    },
    {
      name: 'database_wal_size_bytes',
      help: 'Size of the write-ahead log of the database.',
      type: 'gauge',
      read: () => ofDatabases((database) => database.sizes()?.wal),
    },
  ];
}
