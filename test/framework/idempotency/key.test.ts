import { request } from 'node:http';
import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { defineService } from '../../../src/framework/service/define-service.ts';
import pet from '../../../src/services/pet/index.ts';
import { createExampleApp, createTestApp } from '../../support/app.ts';
import { key, makeDatabase } from './helper.ts';
import { countPets, dayMs, isReplayed, rex } from './request-helpers.ts';

describe('the Idempotency-Key header', () => {
  const uuid = '8e03978e-40d5-43dd-bc93-6894a57f9324';
  const good: [string, string][] = [
    [`"${uuid}"`, uuid],
    [uuid, uuid],
    [`stripe-node-retry-${uuid}`, `stripe-node-retry-${uuid}`],
    ['a', 'a'],
    ['"a b"', 'a b'],
    ['"a, b; c"', 'a, b; c'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [`"${'x'.repeat(255)}"`, 'x'.repeat(255)],
    [`"${'\\"'.repeat(255)}"`, '"'.repeat(255)],
    [`!#$%&'()*+-./:<=>?@[]^_\`{|}~`, `!#$%&'()*+-./:<=>?@[]^_\`{|}~`],
  ];
  for (const [sent, stored] of good) {
    test(`may be ${sent.slice(0, 60)}`, async (t) => {
      const database = makeDatabase(t);
      const { send } = await createTestApp(t, {
        services: [pet],
        config: { services: { pet: database.config } },
      });
      expect((await send('POST', '/pet/pets/', rex, key(sent))).status).toBe(200);
      expect(database.query('SELECT key FROM __idempotency_key')).toEqual([stored]);
    });
  }

  const malformed = [
    ...[
      '',
      '""',
      '"',
      '"a',
      'a"',
      'a"b',
      '"a"b',
      '"a"b"',
      '"a\\b"',
      '"a\\"',
      'a\\b',
      'a b',
      'a,b',
      'a;b',
      'é',
      '"é"',
    ],
    ...['"a", "b"', '"a";b=1', 'a\tb', '"a\tb"', 'x'.repeat(256), `"${'x'.repeat(256)}"`],
  ];
  for (const sent of malformed) {
    test(`may not be ${JSON.stringify(sent).slice(0, 60)}: 400`, async (t) => {
      const built = await createExampleApp(t);
      const response = await built.send('POST', '/pet/pets/', rex, key(sent));
      expect([response.status, response.body.type]).toEqual([
        400,
        'urn:problem-type:idempotency-key-malformed',
      ]);
      expect(await countPets(built)).toBe(0);
    });
  }

  test('must not be sent twice: 400', async (t) => {
    const { url } = await createExampleApp(t);
    const status = await new Promise((resolve, reject) => {
      const headers = [
        'host',
        'localhost',
        'idempotency-key',
        'a',
        'idempotency-key',
        'a',
        'content-type',
        'application/json',
      ];
      const options = { method: 'POST', headers: headers as never };
      const outgoing = request(`${url}/pet/pets/`, options, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      outgoing.on('error', reject).end(JSON.stringify(rex));
    });
    expect(status).toBe(400);
  });

  test('is the same with and without quotes', async (t) => {
    const { send } = await createExampleApp(t);
    const first = await send('POST', '/pet/pets/', rex, key(uuid));
    expect((await send('POST', '/pet/pets/', rex, key(`"${uuid}"`))).body).toEqual(first.body);
  });

  test('is rejected by a service without a database: 400', async (t) => {
    const echo = defineService({
      name: 'echo',
      description: 'Has no database',
      routes(scope) {
        const response = { 200: Type.Object({ ok: Type.Boolean() }) };
        scope.post('/', { schema: { operationId: 'echo', response } }, async () => ({ ok: true }));
      },
    });
    const { send } = await createTestApp(t, { services: [echo] });
    expect((await send('POST', '/echo/')).status).toBe(200);
    expect((await send('POST', '/echo/', undefined, key('a'))).status).toBe(400);
    const { paths } = (await send('GET', '/echo/openapi.json')).body;
    expect(paths['/'].post.parameters).toBeUndefined();
  });

  test('expires after 24 hours', async (t) => {
    const database = makeDatabase(t);
    const built = await createTestApp(t, { services: [pet], config: { services: { pet: database.config } } });
    const create = (name: string) => built.send('POST', '/pet/pets/', rex, key(name));
    const count = () => database.query('SELECT count(*) FROM __idempotency_key')[0];
    for (let index = 0; index < 25; index += 1) await create(`key-${index}`);
    const age = (ms: number) =>
      database.query('UPDATE __idempotency_key SET created_at = ?', Date.now() - ms);
    age(dayMs - 10_000);
    expect(isReplayed(await create('key-7'))).toBe(true);
    age(dayMs + 10_000);
    const expired = await create('key-7');
    expect([expired.body.id, isReplayed(expired)]).toEqual([26, false]);
    expect([isReplayed(await create('key-7')), count()]).toEqual([true, 25]);
    for (const condition of ['created_at <= 1 ORDER BY created_at', 'created_at <= 1', 'rowid <= 9']) {
      const statement = `EXPLAIN QUERY PLAN SELECT rowid FROM __idempotency_key WHERE ${condition} LIMIT 10`;
      expect(database.query(statement), condition).toHaveLength(1);
    }
  });
});
