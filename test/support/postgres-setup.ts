import { type PostgresServer, startPostgres } from './postgres-server.ts';

/**
 * Starts a PostgreSQL server for the project `postgres`, unless TEST_POSTGRES names one. If none can be started, the tests
 * that only PostgreSQL can run are skipped, and the others run on SQLite.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.TEST_POSTGRES !== undefined) return undefined;
  let server: PostgresServer;
  try {
    server = await startPostgres();
  } catch (error) {
    console.error(`PostgreSQL cannot be started here, so its tests are skipped: ${(error as Error).message}`);
    return undefined;
  }
  process.env.TEST_POSTGRES = server.url;
  return () => server.stop();
}
