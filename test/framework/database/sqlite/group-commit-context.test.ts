import Client from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { currentContext, runAs } from '../../../../src/framework/context/context.ts';
import { sql } from '../../../../src/framework/database/drizzle.ts';
import { getLogger } from '../../../../src/framework/logging/logger.ts';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import { captureLog, createTestApp } from '../../../support/app.ts';
import { runSql } from '../../../support/sql.ts';
import { addNote, listNotes, noteTable, numbered, openNotes } from './writer-helpers.ts';

describe('a write runs in the context of its caller', () => {
  test('when other callers write in the same turn', async (t) => {
    const { database } = openNotes(t);
    const { logs: lines, logging } = await captureLog('info');
    const contexts: unknown[] = [];
    const write = (note: string) =>
      database.write(async () => {
        await addNote(database, note);
        contexts.push(currentContext());
        if (currentContext() !== undefined) getLogger().info(note);
      });
    const as = (service: string, job: string) =>
      runAs(service, job, logging.logger(service), async () => {
        await write(`${service} ${job}`);
        getLogger().info(`${service} ${job}`); // the context is kept after the write
      });
    await Promise.all([as('pet', 'feed'), write('no context'), as('user', 'adopt'), as('pet', 'treat')]);
    // The first write of a turn does not pass its context, or the lack of one, to the others.
    await Promise.all([write('no context either'), as('user', 'rename')]);
    expect(lines).toHaveLength(8);
    for (const { service, job, msg } of lines) expect(`${service} ${job}`).toBe(msg);
    expect(contexts.map((context) => context === undefined)).toEqual([
      false,
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  test('when it waits for a lock, or runs again because of an error of another write', async (t) => {
    const { file, database } = openNotes(t);
    const { logs: lines, logging } = await captureLog('info');
    const other = new Client(file);
    t.onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    const writes = numbered(10, 'job').map((job) =>
      runAs('pet', job, logging.logger('pet'), () =>
        database.write(async () => {
          getLogger().info(job);
          // Job 3 is undone to its savepoint. Job 5 ends the whole transaction.
          await addNote(database, job === 'job 3' ? 'job 1' : job);
          if (job === 'job 5') await runSql(database, sql`INSERT OR ROLLBACK INTO note VALUES (1, 'twice')`);
        }),
      ),
    );
    setTimeout(() => other.exec('COMMIT'), 30);
    const results = await Promise.allSettled(writes);
    expect(results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual([3, 5]);
    expect(lines.length).toBeGreaterThan(10); // some writes ran again
    for (const { job, msg } of lines) expect(job).toBe(msg);
  });

  test('when the caller is an HTTP request: its log entries have the service and id of that request', async (t) => {
    const ids = numbered(40).map((name) => name.replace(' ', '-'));
    const keeper = defineService({
      name: 'keeper',
      description: 'Keeps notes.',
      migrations: new URL('../../../../src/services/pet/migrations/', import.meta.url),
      async routes(scope, { database }) {
        await runSql(database, sql.raw(noteTable));
        let arrived = 0;
        const all = Promise.withResolvers<void>();
        scope.post('/notes/', { schema: { hide: true } }, async ({ id }) => {
          arrived += 1;
          if (arrived === ids.length) all.resolve();
          await all.promise; // so that all writes are in one turn
          await database.write(async () => {
            await addNote(database, id);
            getLogger().info({ count: (await listNotes(database)).length }, id);
          });
          return { ok: true };
        });
      },
    });
    const { send, logs } = await createTestApp(t, { services: [keeper as never] });
    const responses = await Promise.all(
      ids.map((id) => send('POST', '/keeper/notes/', undefined, { 'x-request-id': id })),
    );
    expect(responses.map(({ status }) => status)).toEqual(ids.map(() => 200));
    const written = logs.filter(({ count }) => count !== undefined);
    expect(written.map(({ msg }) => msg).sort()).toEqual([...ids].sort());
    for (const { service, reqId, msg } of written) expect([service, reqId]).toEqual(['keeper', msg]);
  });
});
