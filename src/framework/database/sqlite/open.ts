import { realpathSync, statSync } from 'node:fs';
import type Client from 'better-sqlite3';
import { inMemory } from '../../config/database-url.ts';
import type { DatabaseDriver, OpenOptions } from '../database.ts';
import { DatabaseError } from '../database-error.ts';
import { createDialect, sql } from '../drizzle.ts';
import { rememberOpened } from '../known-databases.ts';
import { LateTable } from '../late-rows.ts';
import { readMigrations } from '../migration-files.ts';
import { createLateInsert } from '../running-write.ts';
import { connectFile, connectMemory } from './connect.ts';
import { unusableDatabase } from './errors.ts';
import { watchDatabaseFiles } from './file-watch.ts';
import { openWriter } from './group-commit.ts';
import { createReadTransaction } from './read-transaction.ts';
import { prepareStatement } from './statement.ts';

/**
 * Opens an SQLite database and applies its migrations.
 * @param file a path, or `:memory:`. A missing file is created.
 * @throws {DatabaseError} if the file cannot be used. It is not changed then.
 */
export function openSqlite(file: string, options: OpenOptions = {}): DatabaseDriver {
  const isFile = file !== inMemory;
  const client = connect(file, options);
  if (isFile) rememberOpened(options.knownDatabases, file);
  const reads = createReadTransaction(client);
  const watch = isFile ? watchDatabaseFiles(client, realpathSync(file), reads.end) : undefined;
  const writer = openWriter(client, reads.end, () => watch?.damage() !== undefined);
  const dialect = createDialect('sqlite');
  const isTraced = options.isTraced === true;
  const statements = { dialect, client, reads, writer, isTraced, service: options.service };
  return {
    identity: client,
    orm: dialect.orm,
    prepare: (query) => prepareStatement(query, statements),
    prepareLocking: (query) => prepareStatement(query, statements),
    prepareInsert(table, columns) {
      const prepare = (sql: string) => client.prepare(sql);
      return createLateInsert(client, new LateTable({ table, columns, placeholder: () => '?', prepare }));
    },
    oneOf: (column, name) => sql`${column} IN (SELECT value FROM json_each(${jsonParameter(name)}))`,
    list: (name) => sql`json_each(${jsonParameter(name)})`,
    collect: (query) =>
      sql`(SELECT json_group_array(value) FROM ${query})`.mapWith((values: string) => JSON.parse(values)),
    write: writer.write,
    counts: writer.counts,
    sizes: () => (isFile ? { main: sizeOf(file), wal: sizeOf(`${file}-wal`) } : undefined),
    async check() {
      const damage = watch?.damage();
      if (damage !== undefined) throw new DatabaseError(damage.reason);
      client.prepare('SELECT count(*) FROM sqlite_schema').get();
    },
    // SQLite has checked each statement in `prepare`.
    async verify() {},
    close() {
      watch?.close();
      const written = writer.close();
      if (written !== undefined) return written.then(() => void client.close());
      client.close();
      return Promise.resolve();
    },
  };
}

/** Creates a list parameter, which SQLite gets as JSON. */
function jsonParameter(name: string): unknown {
  return sql.param(sql.placeholder(name), { mapToDriverValue: (list: unknown) => JSON.stringify(list) });
}

function connect(file: string, { migrations, knownDatabases }: OpenOptions): Client.Database {
  let client: Client.Database | undefined;
  try {
    const known = migrations === undefined ? [] : readMigrations(migrations, 'sqlite');
    client = file === inMemory ? connectMemory(known) : connectFile(file, known, knownDatabases);
    client.pragma('foreign_keys = ON');
    // While the app serves, SQLite must not wait for a lock, which blocks the event loop. `write` waits without blocking.
    client.pragma('busy_timeout = 0');
    return client;
  } catch (error) {
    client?.close();
    throw unusableDatabase(file, error);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
