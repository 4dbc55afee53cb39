import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { loadServices } from '../../../src/framework/app/load-services.ts';
import { openPeer } from '../../../src/framework/calls/client.ts';
import { PeerUnavailable } from '../../../src/framework/calls/errors.ts';
import { runInContext } from '../../../src/framework/context/context.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { Problem } from '../../../src/framework/errors/problem.ts';
import { mergeDocuments, mergedInfo } from '../../../src/framework/openapi/merge.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { captureLog, contract, createExampleApp, createTestApp } from '../../support/app.ts';
import { startListening } from '../../support/listening.ts';
import { readSql, runSql } from '../../support/sql.ts';

const key = 'sixteen-or-more-characters';

const document = contract as unknown as OpenApiDocument;

function open(origin: string, options: Partial<Parameters<typeof openPeer>[1]> = {}) {
  const opened = openPeer('pet', { origin: () => origin, contract: document, deadline: 1000, ...options });
  return { ...opened, operation: opened.createOperation as unknown as Operation };
}
type Operation = (method: string, path: string) => (init: object) => Promise<unknown>;

test('an operation outside the contract cannot be declared', async () => {
  const { operation, close } = open('http://127.0.0.1:1');
  expect(() => operation('get', '/pet/petz/')).toThrow(
    /^The contract has no GET \/pet\/petz\/\. It has .*GET \/pet\/pets\/, .*\. For a new operation run/,
  );
  expect(() => operation('put', '/pet/pets/')).toThrow('The contract has no PUT /pet/pets/. It has ');
  expect(() => operation('get', '/toy/toys/')).toThrow(
    'The contract has no GET /toy/toys/. It has no operation of a service toy.',
  );
  await close();
});

test.each([
  ['another media type', { 200: { content: { 'text/csv': {} } } }, 'whose response 200 is text/csv'],
  ['only a redirect', { 302: {} }, 'which has no response 200'],
])(
  'an operation with %s as its success cannot be declared, and the error names it',
  async (_, responses, why) => {
    const paths = { '/pet/pets/': { delete: { operationId: 'pet.x', responses } } };
    const { operation, close } = open('http://127.0.0.1:1', { contract: { openapi: '3.1.0', paths } });
    expect(() => operation('delete', '/pet/pets/')).toThrow(`DELETE /pet/pets/, ${why}`);
    await close();
  },
);

test('a success without a body resolves with undefined, and a range of statuses with the body', async (t) => {
  const pet = defineService({
    name: 'pet',
    description: 'Responds without a body, and with an undeclared one of the successes.',
    routes(scope) {
      const response = { '2xx': Type.Object({ id: Type.Integer() }), 204: Type.Null() };
      scope.delete('/pets/', { schema: { operationId: 'deletePets', response } }, async (_, reply) => {
        reply.code(204);
        return null as never;
      });
      scope.post('/pets/', { schema: { operationId: 'createPet', response } }, async (_, reply) =>
        reply.code(201).send({ id: 1 }),
      );
    },
  });
  const { url, app } = await createTestApp(t, { services: [pet] });
  const merged = mergeDocuments(app.documents(), mergedInfo('0'));
  const { operation, close } = open(url, { contract: merged });
  t.onTestFinished(close);
  expect(await operation('delete', '/pet/pets/')({})).toBe(undefined);
  expect(await operation('post', '/pet/pets/')({})).toEqual({ id: 1 });
});

test('a call sends the request id, the next hop count and the remaining time', async (t) => {
  const seen: Record<string, unknown>[] = [];
  const pet = defineService({
    name: 'pet',
    description: 'Records the headers of requests.',
    routes(scope) {
      scope.get(
        '/pets/',
        { schema: { hide: true, response: { 200: Type.Array(Type.Unknown()) } } },
        async ({ headers }) => {
          seen.push(headers);
          return [];
        },
      );
    },
  });
  const { url } = await createTestApp(t, { services: [pet], config: { internal: { key } } });
  const headers = { 'x-internal': `service ${key}` };
  const { operation, close } = open(url, { deadline: 10_000, headers });
  t.onTestFinished(close);
  const list = operation('get', '/pet/pets/');
  const log = (await captureLog('info')).logging.logger('user');
  const propagated = { requestId: 'abc', hops: 2, deadline: performance.now() + 9_000 };
  await runInContext({ service: 'user', serviceLog: log, log, propagated }, () => list({}));
  await list({});
  expect(seen[0]).toMatchObject({ 'x-request-id': 'abc', 'x-hops': '3' });
  expect(Number(seen[0]?.['x-deadline-ms'])).toBeLessThanOrEqual(9_000);
  expect(seen[1]).toMatchObject({ 'x-hops': '1', 'x-request-id': expect.stringMatching(/^[\w-]{36}$/) });

  const timedOut = { ...propagated, deadline: performance.now() - 1 };
  await expect(
    runInContext({ service: 'user', serviceLog: log, log, propagated: timedOut }, () => list({})),
  ).rejects.toMatchObject({
    status: 504,
  });
  // Both calls have the same connection, so a wrongly sent call would arrive first.
  await list({});
  expect(seen).toHaveLength(3);
  const over = { isOver: true };
  await expect(
    runInContext({ service: 'user', serviceLog: log, log, propagated, request: over }, () => list({})),
  ).rejects.toMatchObject({ name: 'RequestEnded' });
  await list({});
  expect(seen).toHaveLength(4);

  const lastHop = { ...propagated, hops: 3, deadline: performance.now() + 9_000 };
  await expect(
    runInContext({ service: 'user', serviceLog: log, log, propagated: lastHop }, () => list({})),
  ).rejects.toMatchObject({
    status: 508,
  });
});

test('a service that calls itself gets 508 after three hops', async (t) => {
  let calls = 0;
  const pet = defineService({
    name: 'pet',
    description: 'Calls itself.',
    peers: ['pet'],
    routes(scope, { peers }) {
      const { listPets } = peers.pet;
      scope.get(
        '/pets/',
        { schema: { hide: true, response: { 200: Type.Array(Type.Unknown()) } } },
        async () => {
          calls += 1;
          await listPets();
          return [];
        },
      );
    },
  });
  const { send, logs } = await createTestApp(t, { services: [pet] });
  const { status, body } = await send('GET', '/pet/pets/');
  expect(status).toBe(508);
  // Each service of the loop logs its failed call.
  const entry = { service: 'pet', peer: 'pet', operation: 'GET /pet/pets/', error: 'too many hops' };
  const failed = logs.filter(({ msg }) => msg === 'call failed');
  expect(failed).toHaveLength(4);
  for (const one of failed) expect(one).toMatchObject(entry);
  expect(body).toMatchObject({
    status: 508,
    detail: 'Too many calls from service to service for one request',
  });
  expect(calls).toBe(4);
});

test('an invalid deadline header is ignored', async (t) => {
  const { send } = await createExampleApp(t, { config: { internal: { key } } });
  const headers = { 'x-internal': `service ${key}`, 'x-hops': 'x' };
  for (const deadline of ['-1', 'soon', '1e3', '9999999'])
    expect(
      (await send('GET', '/user/users/', undefined, { ...headers, 'x-deadline-ms': deadline })).status,
    ).toBe(200);
});

test('hops and deadline are accepted only from a caller with the internal key', async (t) => {
  const { send } = await createExampleApp(t, { config: { internal: { key } } });
  await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  await send('POST', '/user/users/', { name: 'Alice' });
  await send('POST', '/user/users/1/pets/1');
  const read = async (headers: Record<string, string>) =>
    (await send('GET', '/user/users/1', undefined, headers)).status;
  for (const caller of ['service', 'gateway']) {
    const own = { 'x-internal': `${caller} ${key}` };
    expect(await read({ ...own, 'x-hops': '9' })).toBe(508);
    expect(await read({ ...own, 'x-deadline-ms': '0' })).toBe(504);
    expect(await read(own)).toBe(200);
  }
  expect(await read({ 'x-hops': '9', 'x-deadline-ms': '0' })).toBe(200);
  expect(await read({ 'x-internal': 'service wrong', 'x-hops': '9', 'x-deadline-ms': '0' })).toBe(200);
});

test('the generated list contains the services of the folders', async () => {
  const services = await loadServices();
  const folders = readdirSync(new URL('../../../src/services', import.meta.url));
  expect([...services.keys()].sort()).toEqual(folders.sort());
  for (const [name, service] of services) expect(service.name).toBe(name);
});

test('a call inside a database write is rejected without being sent, and undoes the write', async (t) => {
  let requests = 0;
  const server = createServer((_request, reply) => {
    requests += 1;
    reply.end('[]');
  });
  const { operation, close } = open((await startListening(t, server)).url);
  const database = openSqlite(':memory:');
  t.onTestFinished(async () => {
    await close();
    await database.close();
  });
  await runSql(database, sql`CREATE TABLE note (text TEXT)`);
  const write = database.write(async () => {
    await runSql(database, sql`INSERT INTO note VALUES ('a')`);
    await operation('get', '/pet/pets/')({});
  });
  await expect(write).rejects.toThrow(
    new TypeError('A write must not call a peer (GET /pet/pets/): call first, write last'),
  );
  expect(await readSql(database, sql`SELECT text FROM note`)).toEqual([]);
  expect(requests).toBe(0);
});

test('an error for an unavailable peer is a Problem, and is logged', async () => {
  const { logs, logging } = await captureLog('info');
  const log = logging.logger('user');
  const error = runInContext(
    { service: 'user', serviceLog: log, log },
    () => new PeerUnavailable({ peer: 'pet', target: 'GET /pet/pets/' }, 'status 500'),
  );
  expect(error).toBeInstanceOf(Problem);
  expect(error).toMatchObject({ status: 503, message: 'The pet service is not available' });
  expect(logs).toMatchObject([
    { msg: 'call failed', peer: 'pet', operation: 'GET /pet/pets/', error: 'status 500' },
  ]);
});

test.for([
  [404, 1],
  [422, 1],
  [500, 0],
  [503, 0],
] as const)('a response of %i is logged, and causes %i contract checks', async ([status, count], t) => {
  const pet = defineService({
    name: 'pet',
    description: 'Fails.',
    routes(scope) {
      scope.get('/pets/', { schema: { hide: true } }, async (_request, reply) => reply.code(status).send({}));
    },
  });
  const { url } = await createTestApp(t, { services: [pet] });
  let mismatches = 0;
  const onMismatch = () => {
    mismatches += 1;
  };
  const { operation, close } = open(url, { deadline: 10_000, onMismatch });
  t.onTestFinished(close);
  const { logs, logging } = await captureLog('info');
  const log = logging.logger('user');
  const call = runInContext({ service: 'user', serviceLog: log, log }, () =>
    operation('get', '/pet/pets/')({}),
  );
  await expect(call).rejects.toMatchObject({ status: 503 });
  expect(mismatches).toBe(count);
  expect(logs).toMatchObject([{ level: 'warn', msg: 'call failed', peer: 'pet', error: `status ${status}` }]);
});

test('an empty list in a query is an error, because the peer would list all of its items', async () => {
  const { operation, close } = open('http://127.0.0.1:1');
  await expect(operation('get', '/pet/pets/')({ query: { ids: [] } })).rejects.toThrow(
    'The query parameter ids of GET /pet/pets/ is an empty list',
  );
  await close();
});

test.for(['', '<h1>Forbidden</h1>', 'null', '{"detail":{}}'])(
  'a refusal with the body %j reaches the caller of the request',
  async (body, t) => {
    const server = createServer((_request, response) => void response.writeHead(403).end(body));
    const { operation, close } = open((await startListening(t, server)).url);
    await expect(operation('get', '/pet/pets/')({ query: { ids: [1] }, as: 'caller' })).rejects.toMatchObject(
      {
        status: 403,
        message: 'GET /pet/pets/ is not permitted',
      },
    );
    await close();
  },
);
