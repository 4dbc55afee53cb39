import { setTimeout as sleep } from 'node:timers/promises';
import { hidePassword } from '../../config/database-url.ts';
import { reasonOf } from '../../errors/reason.ts';
import { getLogger } from '../../logging/logger.ts';
import type { DatabaseDriver, OpenOptions } from '../database.ts';
import { DatabaseError } from '../database-error.ts';
import { isKnownDatabase, rememberOpened } from '../known-databases.ts';
import { readMigrations } from '../migration-files.ts';
import { Connection } from './connection.ts';
import { ExclusiveConnections, SharedConnections } from './connections.ts';
import { PostgresDriver } from './driver.ts';
import { isDisconnected, unusableDatabase } from './errors.ts';
import { applyMigrations, migrationLimits } from './migrations.ts';
import { knownName, type PostgresUrl, parsePostgresUrl } from './url.ts';

/** How long a start waits for an unreachable server, in ms. */
const startWaitMs = 60_000;
/** The share of a statement's time limit that it may wait for a lock. After that, the write runs again. */
const lockShare = 0.2;
/** The lock timeout of groups, in ms. It is short, because the groups of two replicas may block each other. */
const groupLockMs = 20;

/**
 * Opens the schema of a service in a PostgreSQL database, and applies its migrations. Waits for an unreachable server.
 * @throws {DatabaseError} if the database cannot be used. It is not changed then.
 */
export async function openPostgres(url: string, options: OpenOptions): Promise<DatabaseDriver> {
  const { service = 'public', timeoutMs = 5_000, isTraced = false } = options;
  const { connectionString, schema, pool, isPrepared } = parse(url, service);
  const connect = (purpose: string, lockMs = Math.ceil(lockShare * timeoutMs)) => {
    const application = `${service} ${purpose}`;
    return () => new Connection({ connectionString, schema, application, lockMs, statementMs: timeoutMs });
  };
  // Reads share few connections, transactions use one each, and groups of single statements use one.
  const maxReads = pool > 3 ? 2 : 1;
  const reads = new SharedConnections(maxReads, connect('reads'));
  const writes = new ExclusiveConnections(pool - maxReads - 1, timeoutMs, connect('writes'));
  const groups = new ExclusiveConnections(1, timeoutMs, connect('groups', groupLockMs));
  const driver = new PostgresDriver({
    ...{ reads, writes, groups, isPrepared, isTraced },
    service: options.service,
  });
  try {
    await waitForServer(url, () => writes.use(async () => {}));
    const known = options.migrations === undefined ? [] : readMigrations(options.migrations, 'postgres');
    const name = knownName({ connectionString, schema });
    const { knownDatabases } = options;
    // Use a separate connection, because the other connections have the time limits of requests.
    const application = `${service} migrations`;
    const connection = new Connection({ connectionString, schema, application, ...migrationLimits });
    try {
      await connection.ready();
      await applyMigrations(connection, schema, known, () => assertNotMissing(name, knownDatabases));
    } finally {
      await connection.close().catch(() => {});
    }
    rememberOpened(knownDatabases, name);
    return driver;
  } catch (error) {
    await driver.close();
    throw unusableDatabase(url, error);
  }
}

/** @throws {DatabaseError} if the registry of known databases lists the schema, and it does not exist. */
function assertNotMissing(name: string, knownDatabases: string | undefined): void {
  if (knownDatabases === undefined || !isKnownDatabase(knownDatabases, name)) return;
  throw new DatabaseError(
    `its schema is missing, although it existed before. Restore a backup, or delete its line in ${knownDatabases} to start with a new database`,
  );
}

function parse(url: string, service: string): PostgresUrl {
  try {
    return parsePostgresUrl(url, service);
  } catch (error) {
    throw unusableDatabase(url, error);
  }
}

/** Retries while the server is unreachable. The first failure is logged. */
async function waitForServer(url: string, check: () => Promise<void>): Promise<void> {
  const end = performance.now() + startWaitMs;
  for (let isLogged = false; ; isLogged = true) {
    try {
      return await check();
    } catch (err) {
      if (!isDisconnected(err) || performance.now() > end) throw err;
      const fields = { database: hidePassword(url), seconds: startWaitMs / 1_000 };
      if (!isLogged)
        getLogger().warn(
          { reason: reasonOf(err), ...fields },
          'waiting for the database: its server does not respond',
        );
    }
    await sleep(500);
  }
}
