import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import pet from '../../../src/services/pet/index.ts';
import {
  createExampleApp,
  createTestApp,
  makeFolder,
  sendRequest,
  type TestApp,
  type TestResponse,
} from '../../support/app.ts';
import { startListening } from '../../support/listening.ts';
import { describeSplit } from '../../support/rogue.ts';

type Fault = (reply: ServerResponse, body: string) => void;
const html = (status: number) => (reply: ServerResponse) =>
  reply.writeHead(status, { 'content-type': 'text/html' }).end('<h1>hello</h1>');
const json = { 'content-type': 'application/json' };

/** Faults of a reachable pet app. */
const faults: Readonly<Record<string, Fault>> = {
  hangs: () => {},
  resets: (reply) => reply.socket?.resetAndDestroy(),
  'cuts a body': (reply, body) => {
    reply.writeHead(200, { ...json, 'content-length': body.length }).write(body.slice(0, body.length / 2));
    setTimeout(() => reply.socket?.destroy(), 20);
  },
  trickles: (reply, body) => {
    reply.writeHead(200, { ...json, 'content-length': body.length });
    const timer = setInterval(() => reply.write(' '), 50);
    reply.on('close', () => clearInterval(timer));
  },
  'responds with 500': (reply) => reply.writeHead(500, json).end('{}'),
  'responds with 503': (reply) => reply.writeHead(503, json).end('{}'),
  'responds with 404 in HTML': html(404),
  'responds with 200 in HTML': html(200),
  'responds with 200 and another body': (reply) => reply.writeHead(200, json).end('[{"id":1,"nom":"Rex"}]'),
};
const names = ['refuses connections', ...Object.keys(faults)];

/** Starts a gateway with the user service, and the pet service in a separate app behind a proxy with faults. */
async function start(t: TestContext, database = ':memory:') {
  const pets = await createTestApp(t, {
    services: [pet],
    config: { services: { pet: { database: `sqlite:${database}` } } },
  });
  const state = { fault: undefined as string | undefined, upstream: 0 };
  const server = createServer((received, reply) => {
    const fault = faults[state.fault ?? ''];
    if (received.url?.startsWith('/pet/pets')) state.upstream += 1;
    if (fault !== undefined) return fault(reply, JSON.stringify([{ id: 1, name: 'x'.repeat(500) }]));
    const { headers, method, url } = received;
    const forwarded = request(`${pets.url}${url}`, { method: method ?? 'GET', headers }, (response) => {
      reply.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(reply);
    });
    forwarded.on('error', () => reply.destroy());
    received.pipe(forwarded);
  });
  const { port } = await startListening(t, server);
  const config = { apps: describeSplit(port), calls: { deadline: 500 } };
  const built = await createExampleApp(t, { config });
  return {
    ...built,
    state,
    async fail(fault: string) {
      state.fault = fault;
      if (fault !== 'refuses connections') return;
      server.close();
      server.closeAllConnections();
      await sleep(20);
    },
    async fix() {
      if (state.fault === 'refuses connections') await once(server.listen(port, '127.0.0.1'), 'listening');
      state.fault = undefined;
    },
  };
}

const count = 1_000;

/** Creates a database with 1,000 pets. Creating them by requests would take most of the time of the tests. */
function makePets(t: TestContext): string {
  const file = join(makeFolder(t), 'pet.db');
  openSqlite(file, { migrations: pet.migrations as URL }).close();
  const client = new Client(file);
  client.exec(`WITH RECURSIVE number(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM number WHERE id < ${count})
    INSERT INTO pet (id, name, species, mood, last_fed, last_interaction)
    SELECT id, 'Rex', 'dog', 'happy', 1, 1 FROM number`);
  client.close();
  return file;
}

/** Creates five users that have adopted all pets. */
async function adoptAll({ send }: TestApp): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  for (let user = 1; user <= 5; user += 1) {
    await send('POST', '/user/users/', { name: 'Alice' });
    const adopt = async () => (await send('PATCH', `/user/users/${user}`, { pets_ids: ids })).status;
    // On a busy machine the first calls may time out.
    await expect.poll(adopt).toBe(200);
  }
}

async function countAdoptions({ send }: TestApp): Promise<number> {
  const { body } = await send('GET', '/user/users/');
  return (body as { pets: unknown[] }[]).reduce((sum, { pets }) => sum + pets.length, 0);
}

const routes = [
  ['GET', '/user/users/1', undefined],
  ['GET', '/user/users/', undefined],
  ['POST', '/user/users/1/pets/2', undefined],
  ['DELETE', '/user/users/1/pets/1', undefined],
  ['PATCH', '/user/users/1', { pets_ids: [1] }],
  ['PATCH', '/user/users/1', { name: 'Bob' }],
] as const;

describe('while the pet app fails', () => {
  test.for(names)(
    'no data is lost and every response is in time: it %s',
    { timeout: 60_000 },
    async (fault, t) => {
      const started = await start(t, makePets(t));
      const { send, state } = started;
      await adoptAll(started);
      await expect.poll(() => countAdoptions(started)).toBe(5000);

      await started.fail(fault);
      for (const [method, path, body] of routes) {
        const begun = performance.now();
        const response = await send(method, path, body);
        expect(performance.now() - begun).toBeLessThan(8_000);
        expectProblem(response);
      }
      await started.fix();

      const begun = performance.now();
      while ((await send('GET', '/user/users/1')).status !== 200) await sleep(20);
      expect(performance.now() - begun).toBeLessThan(8_000);
      await expect.poll(() => countAdoptions(started)).toBe(5000);
      expect((await send('GET', '/user/users/1')).body.name).toBe('Alice');
      state.upstream = 0;
      for (let index = 0; index < 20; index += 1) await send('GET', '/pet/pets/1');
      expect(state.upstream).toBe(20);
    },
  );

  test.for(names)('the gateway forwards each request once and responds in time: it %s', async (fault, t) => {
    const started = await start(t);
    await started.send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    await started.fail(fault);
    started.state.upstream = 0;
    for (const method of ['GET', 'POST']) {
      const path = method === 'GET' ? '/pet/pets/1' : '/pet/pets/1/feed';
      const begun = performance.now();
      const outcome = await sendRequest(`${started.url}${path}`, method);
      expect(performance.now() - begun).toBeLessThan(8_000);
      if (['refuses connections', 'hangs', 'trickles', 'resets', 'cuts a body'].includes(fault)) {
        const isLate = fault === 'hangs' || fault === 'trickles';
        const isUnknown = isLate || (fault !== 'refuses connections' && method === 'POST');
        expect(outcome.status).toBe(isUnknown ? 504 : 503);
        expect(outcome.headers.get('content-type')).toContain('application/problem+json');
        expect(outcome.headers.get('retry-after')).toBe('1');
        expect(String(outcome.bytes)).not.toMatch(/127\.0\.0\.1|localhost|ECONN|:\d{4,5}/);
      } else {
        // The gateway forwards a complete response unchanged.
        expect(outcome.status).toBe(Number(/\d+/.exec(fault)));
      }
    }
    if (fault !== 'refuses connections') expect(started.state.upstream).toBe(2);
  });
});

function expectProblem({ status, headers, body }: TestResponse): void {
  expect([503, 504]).toContain(status);
  expect(headers.get('content-type')).toContain('application/problem+json');
  expect(headers.get('retry-after')).toBe('1');
  expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|localhost|ECONN|:\d{4,5}/);
}
