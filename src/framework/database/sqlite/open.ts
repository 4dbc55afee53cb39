import { realpathSync, statSync } from 'node:fs';
import type Client from 'better-sqlite3';
import { inMemory } from '../../config/database-url.ts';
import { openIdempotencyKeys } from '../../idempotency/key-store.ts';
import { getLogger } from '../../logging/logger.ts';
import type { Database, OpenOptions } from '../database.ts';
import { DatabaseError } from '../database-error.ts';
import { rememberDatabase } from '../known-databases.ts';
import { connectFile, connectMemory } from './connect.ts';
import { drizzle } from './drizzle.ts';
import { unusableDatabase } from './errors.ts';
import { watchDatabaseFiles } from './file-watch.ts';
import { openWriter } from './group-commit.ts';
import { readMigrations } from './migrations.ts';
import { prepareStatement } from './prepared-statement.ts';
import { createReadTransaction } from './read-transaction.ts';
import { logStatement, traceStatement } from './traced-statement.ts';

/**
 * Opens an SQLite database and applies its migrations.
 * @param file a path, or `:memory:`. A missing file is created.
 * @throws {DatabaseError} if the file cannot be used. It is not changed then.
 */
export function openSqlite(file: string, options: OpenOptions = {}): Database {
  const isFile = file !== inMemory;
  const client = connect(file, options);
  if (isFile && options.knownDatabases !== undefined) remember(options.knownDatabases, file);
  const reads = createReadTransaction(client);
  const watch = isFile ? watchDatabaseFiles(client, realpathSync(file), reads.end) : undefined;
  const writer = openWriter(client, reads.end, () => watch?.damage() !== undefined);
  const keys = openIdempotencyKeys(client, writer.write);
  return {
    orm: drizzle(client),
    prepare(query) {
      const statement = prepareStatement(client, query, reads);
      // Decided once, so that a statement that is neither logged nor traced costs nothing more.
      const isLogged = getLogger().isLevelEnabled('trace');
      if (!isLogged && !options.isTraced) return statement;
      const { sql } = query.prepare().getQuery();
      const logged = isLogged ? logStatement(statement, sql) : statement;
      return options.isTraced ? traceStatement(logged, sql) : logged;
    },
    write: writer.write,
    keys,
    counts: writer.counts,
    sizes: () => (isFile ? { main: sizeOf(file), wal: sizeOf(`${file}-wal`) } : undefined),
    check() {
      const damage = watch?.damage();
      if (damage !== undefined) throw new DatabaseError(damage.reason);
      client.prepare('SELECT count(*) FROM sqlite_schema').get();
    },
    close() {
      keys.close();
      watch?.close();
      writer.close();
      client.close();
    },
  };
}

function connect(file: string, { migrations, knownDatabases }: OpenOptions): Client.Database {
  let client: Client.Database | undefined;
  try {
    const known = migrations === undefined ? [] : readMigrations(migrations);
    client = file === inMemory ? connectMemory(known) : connectFile(file, known, knownDatabases);
    client.pragma('foreign_keys = ON');
    // From here on, waiting for a lock would block the event loop. write() waits without blocking.
    client.pragma('busy_timeout = 0');
    return client;
  } catch (error) {
    client?.close();
    throw unusableDatabase(file, error);
  }
}

/** The start continues if the list cannot be written, because the database itself is there. */
function remember(knownDatabases: string, file: string): void {
  try {
    rememberDatabase(knownDatabases, file);
  } catch (err) {
    getLogger().warn(
      { err, file, knownDatabases },
      'the database is not listed as known: if its file were missing, a new one would be created',
    );
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
