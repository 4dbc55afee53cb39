import { randomUUID } from 'node:crypto';
import type { TestContext } from 'vitest';
import type { Database, OpenOptions } from '../../src/framework/database/database.ts';
import { openDatabase } from '../../src/framework/database/open-database.ts';

/** The URL of the server of the project `postgres`; undefined if none can be started. */
export const postgresUrl = process.env.TEST_POSTGRES;

/** Returns the URL of a new schema. */
export function newSchemaUrl(server = postgresUrl as string): string {
  return `${server}?schema=t${randomUUID().replaceAll('-', '')}`;
}

/** Opens a database that is closed when the test ends. */
export async function openTestDatabase(
  t: TestContext,
  url: string,
  options: OpenOptions = {},
): Promise<Database> {
  const database = await openDatabase(url, options);
  t.onTestFinished(() => database.close());
  return database;
}
