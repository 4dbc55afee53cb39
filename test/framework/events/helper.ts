import { randomUUID } from 'node:crypto';
import { expect, type TestContext } from 'vitest';
import type { Database } from '../../../src/framework/database/database.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import type { CloudEvent } from '../../../src/framework/events/event-schemas.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import type { Service } from '../../../src/framework/service/define-service.ts';
import { createTestApp, makeFolder, type TestApp, type TestAppOptions } from '../../support/app.ts';
import { newSchemaUrl, postgresUrl } from '../../support/postgres-database.ts';
import { makeReader, note, type ReaderOptions } from './services.ts';

export { makeReader, note, type ReaderOptions };

/** The URL of a new database: in a file, or in PostgreSQL in the tests that run on it. */
export function newDatabase(t: TestContext): string {
  return postgresUrl === undefined ? `sqlite:${makeFolder(t)}/${randomUUID()}.db` : newSchemaUrl();
}

let document: OpenApiDocument | undefined;

/** Returns the merged document of the note service as it is. */
export async function readDocument(t: TestContext): Promise<OpenApiDocument> {
  if (document === undefined) {
    const alone = await createTestApp(t, { services: [note as unknown as Service] });
    document = (await alone.get('/openapi.json')).body as OpenApiDocument;
  }
  return document;
}

/** Starts an app with these services. The contract is that of the note service as it is. */
export async function startApp(t: TestContext, options: TestAppOptions): Promise<TestApp> {
  return createTestApp(t, { contract: await readDocument(t), ...options });
}

/** Starts the note service and a reader, each with a database that another app can open too. */
export async function startBoth(t: TestContext, options: ReaderOptions & Partial<TestAppOptions> = {}) {
  const { handle, snapshot, ...rest } = options;
  const services = [
    note as unknown as Service,
    makeReader({ ...(handle && { handle }), ...(snapshot && { snapshot }) }),
  ];
  const databases = { note: { database: newDatabase(t) }, reader: { database: newDatabase(t) } };
  const config = { services: databases, ...rest.config };
  const app = await startApp(t, { services, ...rest, config });
  return { app, config, databases };
}

export async function addNotes(app: TestApp, subject: string, ...texts: string[]): Promise<void> {
  const { status } = await app.post('/note/notes/', { subject, texts });
  expect(status).toBe(200);
}

export async function listEffects(app: TestApp): Promise<string[]> {
  return (await app.get('/reader/effects/')).body as string[];
}

/** Waits until the reader has these effects, and no others. */
export async function expectEffects(app: TestApp, effects: readonly string[]): Promise<void> {
  await expect.poll(() => listEffects(app), { timeout: 30_000 }).toEqual(effects);
}

export async function readFeed(app: TestApp, query = '') {
  const { status, body, headers } = await app.get(`/note/events?${query}`);
  return { status, body, headers, events: (Array.isArray(body) ? body : []) as CloudEvent[] };
}

export function textOf({ data }: CloudEvent): string {
  return (data as { text: string }).text;
}

/** Runs SQL on the database of a service. */
export async function query(database: Database, text: string): Promise<unknown[][]> {
  return (await database.prepare(sql.raw(text)).all()) as unknown[][];
}
