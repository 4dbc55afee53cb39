import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { Instant, nullable, ref } from '../../../src/framework/openapi/schema.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../support/app.ts';

const Given = Type.Partial(
  Type.Object({ number: Type.Number(), flag: Type.Boolean(), at: Instant, end: nullable(Instant) }),
  { $id: 'Given' },
);

/** Responds with the body that it received after validation. */
const echo = defineService({
  name: 'echo',
  description: 'Echoes.',
  schemas: [Given],
  routes(scope) {
    const schema = { operationId: 'echo', body: ref(Given), response: { 200: ref(Given, 'The body') } };
    scope.post('/echoes/', { schema }, async ({ body }) => body);
  },
});

test.for([
  ['{"number":0.1}', { number: 0.1 }],
  ['{"number":-1.5e-300}', { number: -1.5e-300 }],
  ['{"number":1.7976931348623157e308}', { number: Number.MAX_VALUE }],
  ['{"number":9007199254740992}', { number: 2 ** 53 }],
  ['{"number":-0}', { number: 0 }],
  ['{"flag":false}', { flag: false }],
  ['{"at":"1700-01-01T00:00:00.000000Z","end":null}', { at: '1700-01-01T00:00:00.000000Z', end: null }],
  ['{"end":"2199-12-31T23:59:59.999999Z"}', { end: '2199-12-31T23:59:59.999999Z' }],
  ['{"at":"2024-02-29T23:59:59.000001Z"}', { at: '2024-02-29T23:59:59.000001Z' }],
] as const)('%s is received and returned exactly', async ([body, expected], t) => {
  const { send } = await createTestApp(t, { services: [echo] });
  expect(await send('POST', '/echo/echoes/', body)).toMatchObject({ status: 200, body: expected });
});

test.for([
  // JavaScript reads it as infinity.
  '{"number":1e400}',
  '{"number":-1e400}',
  '{"number":"1"}',
  '{"number":true}',
  '{"number":null}',
  '{"flag":1}',
  '{"flag":"true"}',
  '{"flag":null}',
  '{"at":"2024-12-18T21:03:51Z"}',
  '{"at":"2024-12-18T21:03:51.790Z"}',
  '{"at":"2024-12-18T21:03:51.790256+00:00"}',
  '{"at":"2024-12-18t21:03:51.790256z"}',
  '{"at":"2023-02-29T00:00:00.000000Z"}',
  '{"at":"2016-12-31T23:59:60.000000Z"}',
  '{"at":"2024-12-18T24:00:00.000000Z"}',
  '{"at":"1699-12-31T23:59:59.999999Z"}',
  '{"at":"2200-01-01T00:00:00.000000Z"}',
  '{"at":"2024-12-18T21:03:51.790256Z\\n"}',
  '{"at":1734555831790256}',
  '{"end":"2024-04-31T00:00:00.000000Z"}',
])('%s does not match the schema', async (body, t) => {
  const { send } = await createTestApp(t, { services: [echo] });
  const response = await send('POST', '/echo/echoes/', body);
  const [, name] = /"(\w+)":/.exec(body) ?? [];
  expect([response.status, response.body.errors[0].pointer]).toEqual([422, `/${name}`]);
});
