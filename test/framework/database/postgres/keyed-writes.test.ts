import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { sql } from '../../../../src/framework/database/drizzle.ts';
import { createKeyRows } from '../../../../src/framework/database/key-rows.ts';
import { Conflict } from '../../../../src/framework/errors/problem.ts';
import type { Service } from '../../../../src/framework/service/define-service.ts';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../../../src/framework/testing/index.ts';
import { newSchemaUrl, openTestDatabase, postgresUrl } from '../../../support/postgres-database.ts';
import { queryPostgres } from '../../../support/postgres-query.ts';

/** The write of `POST /effects/` waits for it. */
const gate = { wait: async () => {} };

/** `POST /effects/` answers 409 if its write fails, which it does unless `isOk`. */
const effect = defineService({
  name: 'effect',
  description: 'Effects',
  migrations: new URL('../../../fixtures/effects/migrations/', import.meta.url),
  routes(app, { database }) {
    const insert = database.prepare(sql`INSERT INTO effect (event) VALUES ('one')`);
    const count = database.prepare(sql`SELECT count(*) FROM effect`);
    const querystring = Type.Object({ isOk: Type.Boolean() });
    app.post('/effects/', { schema: { hide: true, querystring } }, async ({ query: { isOk } }) => {
      const write = database.write(async () => {
        await insert.run();
        await gate.wait();
        if (!isOk) throw new Error('on purpose');
      });
      await write.catch(() => {
        throw new Conflict('The write failed');
      });
      const [effects] = (await count.get()) as [number];
      return { effects };
    });
  },
}) as unknown as Service;

test.skipIf(postgresUrl === undefined)(
  'a request with an idempotency key is answered when its write failed on PostgreSQL',
  async (t) => {
    const services = { effect: { database: newSchemaUrl() } };
    const { post } = await createTestApp(t, { services: [effect], config: { services } });
    const send = (isOk: boolean, key: string) =>
      post(`/effect/effects/?isOk=${isOk}`, undefined, { 'idempotency-key': key });
    expect(await send(false, 'first')).toMatchObject({ status: 409 });
    expect(await send(true, 'second')).toMatchObject({ status: 200, body: { effects: 1 } });
    expect(await send(true, 'second')).toMatchObject({ status: 200, body: { effects: 1 } });
  },
);

test.skipIf(postgresUrl === undefined)(
  'one of two processes that use an expired key at the same time claims it',
  async (t) => {
    const url = newSchemaUrl();
    const open = async () => createKeyRows(await openTestDatabase(t, url));
    const processes = [await open(), await open()];
    // The processes delete keys that are a day old. These expire sooner.
    const start = Date.now();
    /** Claims a key in a write, and resolves with whether no other process has claimed it. */
    const claim = (rows: (typeof processes)[0], key: string, createdAt: number) =>
      rows.write(async () => {
        const found = await rows.claim(key, 'the same', { createdAt, since: createdAt - 1 });
        if (found === undefined) await rows.setResults(key, Buffer.from('done'));
        return found === undefined;
      });
    for (let index = 0; index < 50; index += 1) {
      const key = `key ${index}`;
      await claim(processes[0] as never, key, start);
      const claims = await Promise.all(processes.map((rows) => claim(rows, key, start + 1)));
      expect(claims.sort(), key).toEqual([false, true]);
    }
  },
);

test.skipIf(postgresUrl === undefined)(
  'of two replicas that get a request with the same key at the same time, one has the effect',
  async (t) => {
    const url = newSchemaUrl();
    const config = { services: { effect: { database: url } } };
    const replicas = [
      await createTestApp(t, { services: [effect], config }),
      await createTestApp(t, { services: [effect], config }),
    ];
    t.onTestFinished(() => {
      gate.wait = async () => {};
    });
    const waiting = `SELECT count(*) FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO __idempotency_key%'`;
    for (let effects = 1; effects <= 5; effects += 1) {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate.wait = () => promise;
      const responses = replicas.map(({ post }) =>
        post('/effect/effects/?isOk=true', undefined, { 'idempotency-key': `key-${effects}` }),
      );
      await expect.poll(async () => Number((await queryPostgres(url, waiting))[0]?.[0])).toBe(1);
      resolve();
      for (const response of await Promise.all(responses))
        expect(response).toMatchObject({ status: 200, body: { effects } });
    }
  },
);
