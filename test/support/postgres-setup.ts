import type { TestProject } from 'vitest/node';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL of the server of the project `postgres`; undefined if none can be started. */
    postgresUrl: string | undefined;
  }
}

/**
 * Starts a PostgreSQL server for a project, unless POSTGRES_URL names one. If none can be started, the tests that only
 * PostgreSQL can run are skipped, and the others run on SQLite.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.POSTGRES_URL;
  project.provide('postgresUrl', given);
  if (given !== undefined) return undefined;
  let server: PostgresServer;
  try {
    server = await startPostgres();
  } catch (error) {
    console.error(`PostgreSQL cannot be started here, so its tests are skipped: ${(error as Error).message}`);
    return undefined;
  }
  project.provide('postgresUrl', server.url);
  return () => server.stop();
}
