import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { sql } from '../../../../src/framework/database/drizzle.ts';
import { Conflict } from '../../../../src/framework/errors/problem.ts';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../../../src/framework/testing/index.ts';
import type { AnyService } from '../../../../src/framework/testing/layout.ts';
import { newSchemaUrl, postgresUrl } from '../../../support/postgres-database.ts';

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
        if (!isOk) throw new Error('on purpose');
      });
      await write.catch(() => {
        throw new Conflict('The write failed');
      });
      const [effects] = (await count.get()) as [number];
      return { effects };
    });
  },
}) as unknown as AnyService;

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
