import type { MigrationStatus } from '../database.ts';
import { readMigrations } from '../migration-files.ts';
import { Connection } from './connection.ts';
import { unusableDatabase } from './errors.ts';
import { listPending } from './migrations.ts';
import { parsePostgresUrl } from './url.ts';

const timeoutMs = 5_000;

/** Returns which migrations of a service its schema has. Reads only; a missing schema has none. */
export async function readPostgresMigrationStatus(
  url: string,
  migrations: URL,
  service: string,
): Promise<MigrationStatus[]> {
  const known = readMigrations(migrations, 'postgres');
  const { connectionString, schema } = parsePostgresUrl(url, service);
  const limits = { lockMs: timeoutMs, statementMs: timeoutMs };
  const connection = new Connection({
    connectionString,
    schema,
    application: `${service} status`,
    ...limits,
  });
  try {
    await connection.ready();
    const pending = await listPending(connection, known);
    return known.map((migration) => ({ name: migration.name, applied: !pending.includes(migration) }));
  } catch (error) {
    throw unusableDatabase(url, error);
  } finally {
    await connection.close().catch(() => {});
  }
}
