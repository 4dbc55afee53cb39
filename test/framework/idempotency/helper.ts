import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Type } from '@sinclair/typebox';
import Client from 'better-sqlite3';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TestContext } from 'vitest';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { Conflict, ServiceUnavailable } from '../../../src/framework/errors/problem.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { makeFolder } from '../../support/app.ts';
import { runSql } from '../../support/sql.ts';

/** The headers of a request with this idempotency key. */
export const key = (value: string) => ({ 'idempotency-key': value });

/** Makes a file for the database of a service, and queries it over a separate connection. */
export function makeDatabase(t: TestContext) {
  const file = join(makeFolder(t), 'service.db');
  let client: Client.Database | undefined;
  t.onTestFinished(() => void client?.close());
  return {
    config: { database: `sqlite:${file}` },
    file,
    query(text: string, ...values: unknown[]): unknown[] {
      client ??= new Client(file, { timeout: 5_000 });
      const statement = client.prepare<unknown[], unknown>(text);
      return statement.reader ? statement.pluck().all(...values) : [statement.run(...values).changes];
    },
  };
}

/** Lets a test hold handlers back, and records which handlers ran. */
export interface Stage {
  /** Some handlers await this before or between their writes. */
  wait(): Promise<void>;
  /** The URL of each request whose handler ran. */
  runs: string[];
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** A service that stores notes. It has a POST for each way in which a handler may write and respond. */
export function makeNotes(stage: Stage) {
  return defineService({
    name: 'note',
    description: 'Notes',
    migrations: new URL('../../fixtures/note/migrations/', import.meta.url),
    routes(scope, { database }) {
      const { write } = database;
      const insert = database.prepare(
        sql`INSERT INTO note (text) VALUES (${sql.placeholder('text')}) RETURNING id`,
      );
      const add = (text: string) =>
        write(async () => {
          const [id] = (await insert.get({ text })) as [number];
          return { id, at: new Date(1_700_000_000_000) };
        });
      const changeNothing = () => runSql(database, sql`DELETE FROM note WHERE text = 'missing'`);

      const post = (path: string, handler: Handler) =>
        scope.post(path, { schema: { hide: true } }, (request, reply) => {
          stage.runs.push(request.url);
          return handler(request, reply);
        });
      post('/plain', async () => add('plain'));
      post('/twice', async () => [await add('first'), await add('second')]);
      post('/both', async () => Promise.all([add('one'), add('other')]));
      post('/later', async () => {
        const first = await add('before');
        await stage.wait();
        return { first, isDate: first.at instanceof Date, second: await add('after') };
      });
      post('/first-nothing', async () => {
        const changes = await changeNothing();
        await stage.wait();
        const { id } = await add('something');
        await stage.wait();
        return { changes, id };
      });
      post('/changes-nothing', async () => {
        const changes = await changeNothing();
        return { changes };
      });
      post('/ends-the-transaction', async () => {
        await stage.wait();
        await runSql(database, sql`INSERT OR ROLLBACK INTO note (id, text) VALUES (1, 'twice')`);
      });
      post('/slow', async () => {
        await stage.wait();
        return add('slow');
      });
      post('/late-failure', async () => {
        await stage.wait();
        await add('late-failure');
        throw new Conflict('too late');
      });
      post('/conflict', async () => {
        await add('conflict');
        throw new Conflict('too late');
      });
      for (const [path, error] of [
        ['/unavailable', new ServiceUnavailable('not now')],
        ['/defect', new Error('a mistake in the handler')],
      ] as const) {
        let hasFailed = false;
        post(path, async () => {
          const changes = await changeNothing();
          const ids = [(await add('one')).id, (await add('other')).id];
          if (!hasFailed) {
            hasFailed = true;
            throw error;
          }
          return { changes, ids };
        });
      }
      post('/nothing', async () => {
        await stage.wait();
        await add('nothing');
      });
      post('/sends', async (_request, reply) => {
        const note = await add('sent');
        reply.code(201).header('location', `/note/${note.id}`).header('etag', '"1"').header('x-other', 'a');
        reply.send(note);
      });
      post('/callback', (_request, reply) => {
        void add('callback').then((note) => reply.send(note));
      });
      post('/bytes', async (_request, reply) => {
        await add('bytes');
        return reply.type('application/octet-stream').send(Buffer.from([0, 255, 1]));
      });
      post('/stream', async (_request, reply) => {
        const { id } = await add('stream');
        return reply.type('text/plain').send(Readable.from([`note ${id}`]));
      });
      post('/unawaited', async () => {
        void add('unawaited');
        return { ok: true };
      });
      scope.post(
        '/commit',
        { schema: { hide: true, body: Type.Object({ note: Type.Integer() }) } },
        async (request) => {
          stage.runs.push(request.url);
          const { note } = request.body;
          await stage.wait();
          await runSql(database, sql`INSERT INTO line (note) VALUES (${note})`);
          return { ok: true };
        },
      );
    },
  });
}
