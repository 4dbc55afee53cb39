import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { internalLimits } from '../../../../src/framework/config/limits.ts';
import { getLogger } from '../../../../src/framework/logging/logger.ts';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../../support/app.ts';
import { createExampleAppAt, isAccess, listResponses, places } from '../../../support/example-app-at.ts';
import { scrape } from '../../../support/prometheus.ts';
import { exchange } from '../../../support/sockets.ts';
import { until } from '../../../support/until.ts';

const host = 'host: localhost\r\n';
const json = `${host}content-type: application/json\r\n`;
const pet = (name: string) => JSON.stringify({ name, species: 'dog' });
const create = (name: string) =>
  `POST /pet/pets/ HTTP/1.1\r\n${json}content-length: ${pet(name).length}\r\n\r\n${pet(name)}`;
const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\n${host}${headers}\r\n`;
const last = get('/pet/health', 'connection: close\r\n');

/** A request in the body of another request. If the server handled it, it would create a pet. */
const hidden = create('smuggled');
const chunks = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
const withBody = (line: string, headers = host) =>
  `${line} HTTP/1.1\r\n${headers}content-length: ${hidden.length}\r\n\r\n${hidden}`;
const inChunks = (line: string, headers = host) =>
  `${line} HTTP/1.1\r\n${headers}transfer-encoding: chunked\r\n\r\n${chunks}`;
const large = `${hidden}${' '.repeat(70_000)}`;

/** Requests whose body has the hidden request, and the status of the response. */
const carriers: Readonly<Record<string, readonly [string, number]>> = {
  'a GET': [withBody('GET /pet/pets/1'), 200],
  'a GET in chunks': [inChunks('GET /pet/pets/1'), 200],
  'a DELETE of a missing pet': [withBody('DELETE /pet/pets/9', json), 400],
  'an unknown route of a service': [withBody('POST /pet/nowhere'), 404],
  'an unknown route of a service, in chunks': [inChunks('POST /pet/nowhere'), 404],
  'an unknown route': [withBody('POST /nowhere'), 404],
  'a method that the path does not allow': [withBody('PUT /pet/pets/'), 405],
  'a method that the path does not allow, in chunks': [inChunks('PUT /pet/pets/'), 405],
  'another media type': [withBody('POST /pet/pets/', `${host}content-type: text/plain\r\n`), 415],
  'no media type, in chunks': [inChunks('POST /pet/pets/'), 415],
  'a body that is not JSON': [withBody('POST /pet/pets/', json), 400],
  'a body that is not JSON, in chunks': [inChunks('POST /pet/pets/', json), 400],
  'a body that is too large': [
    `POST /pet/pets/ HTTP/1.1\r\n${json}content-length: ${large.length}\r\n\r\n${large}`,
    413,
  ],
  'a body that is too large, in chunks': [
    `POST /pet/pets/ HTTP/1.1\r\n${json}transfer-encoding: chunked\r\n\r\n${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`,
    413,
  ],
  'an upgrade': [withBody('GET /pet/pets/1', `${host}connection: upgrade\r\nupgrade: websocket\r\n`), 200],
  'an upgrade to HTTP/2': [
    withBody(
      'GET /pet/pets/1',
      `${host}connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMA\r\n`,
    ),
    200,
  ],
  'a length that Connection names': [
    withBody('POST /pet/nowhere', `${host}connection: content-length\r\n`),
    404,
  ],
  'chunks that Connection names': [
    inChunks('POST /pet/nowhere', `${host}connection: transfer-encoding\r\n`),
    404,
  ],
  'an expectation': [withBody('POST /pet/nowhere', `${host}expect: 100-continue\r\n`), 404],
  'an unknown expectation': [withBody('POST /pet/nowhere', `${host}expect: tea\r\n`), 404],
  'a length of 0': [`POST /pet/nowhere HTTP/1.1\r\n${host}content-length: 0\r\n\r\n`, 404],
  'a trailer': [
    `POST /pet/nowhere HTTP/1.1\r\n${host}transfer-encoding: chunked\r\ntrailer: x\r\n\r\n0\r\nx: ${'POST /pet/pets/ HTTP/1.1'}\r\n\r\n`,
    404,
  ],
};

describe('a request in the body of another request is not handled:', () => {
  test.for(places)('pets %s', async (place, t) => {
    const { url, everyLog, send } = await createExampleAppAt(t, place);
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    for (const [name, [bytes, status]] of Object.entries(carriers)) {
      const head = bytes.indexOf('\r\n\r\n') + 4;
      for (const parts of [[bytes + last], [bytes.slice(0, head), bytes.slice(head) + last]]) {
        const label = `${name}, in ${parts.length} writes`;
        const responses = await exchange(t, url, ...parts).catch((error) => {
          throw new Error(label, { cause: error });
        });
        const statuses = responses.map((response) => response.status);
        // Either the response closes the connection, or the server has read the body and handles the next request.
        const isOver = responses[0]?.headers.get('connection') === 'close';
        expect(statuses, label).toEqual(isOver ? [status] : [status, 200]);
        if (!isOver) expect(responses[1]?.body, label).toEqual({ status: 'OK' });
        if (status >= 400) expect(responses[0]?.body, label).toMatchObject({ status });
        // No bytes are left on a connection between apps, where the next request would get the wrong response.
        const next = await Promise.all([1, 9, 1, 9].map((id) => send('GET', `/pet/pets/${id}`)));
        expect(
          next.map((response) => response.status),
          label,
        ).toEqual([200, 404, 200, 404]);
        expect((await send('GET', '/pet/pets/')).body, label).toMatchObject([{ name: 'Rex' }]);
      }
    }
    const posts = listResponses(everyLog()).filter((line) => line.startsWith('POST /pet/pets/ 200'));
    expect(posts.length, 'the request that created Rex, in each app').toBe(
      place === 'in the same app' ? 1 : 2,
    );
  });
});

describe('pipelined requests', () => {
  test.for(places)('get their responses in order, 100 of them: pets %s', async (place, t) => {
    const built = await createExampleAppAt(t, place);
    const { url, send } = built;
    await send('POST', '/user/users/', { name: 'Alice' });
    // Fast and slow requests, of the gateway and of services.
    const kinds = [
      (index: number) => [create(`pet ${index}`), `"name":"pet ${index}"`],
      () => [get('/user/users/1'), '"name":"Alice"'],
      (index: number) => [get(`/nowhere/${index}`), `"instance":"/nowhere/${index}"`],
      (index: number) => [get(`/pet/pets/x${index}`), `"instance":"/pet/pets/x${index}"`],
    ] as const;
    const sent = Array.from({ length: 100 }, (_, index) => (kinds[index % 4] as (typeof kinds)[0])(index));
    const responses = await exchange(t, url, sent.map(([bytes]) => bytes).join('') + last);
    expect(responses).toHaveLength(101);
    for (const [index, [, expected]] of sent.entries())
      expect(JSON.stringify(responses[index]?.body)).toContain(expected);
    expect((await send('GET', '/pet/pets/')).body).toHaveLength(25);
  });

  test.for(places)(
    'are handled up to the first malformed request, and not after it: pets %s',
    async (place, t) => {
      const built = await createExampleAppAt(t, place);
      const { url, send } = built;
      const bad = `GET /pet/pets/ HTTP/1.1\r\n${host}x-a : 1\r\n\r\n`;
      const before = Array.from({ length: 50 }, (_, index) => create(`before ${index}`)).join('');
      const after = Array.from({ length: 49 }, (_, index) => create(`after ${index}`)).join('');
      const responses = await exchange(t, url, before + bad + after);
      expect(responses.map(({ status }) => status)).toEqual([...Array(50).fill(200), 400]);
      expect(responses.slice(0, 50).map(({ body }) => body.name)).toEqual(
        Array.from({ length: 50 }, (_, index) => `before ${index}`),
      );
      const { body } = await send('GET', '/pet/pets/');
      expect(body).toHaveLength(50);
      expect(JSON.stringify(body)).not.toContain('after');
    },
  );

  test('get their responses before the 400 for malformed input, which is logged once', async (t) => {
    const slow = defineService({
      name: 'slow',
      description: 'Waits.',
      routes(scope) {
        scope.get('/wait', { schema: { hide: true } }, async () => {
          await sleep(200);
          return { ok: true };
        });
      },
    });
    const { url, logs } = await createTestApp(t, { services: [slow] });
    const bad = 'NONSENSE\r\n\r\n';
    const responses = await exchange(t, url, get('/slow/wait') + bad, bad, bad, bad);
    expect(responses.map(({ status }) => status)).toEqual([200, 400]);
    expect(logs.filter(({ msg }) => msg === 'malformed request rejected')).toHaveLength(1);
    const { sum } = await scrape(url);
    expect(sum('http_connections_closed_total', 'reason').malformed).toBe(1);
  });

  test('run one after the other, unless all of them are safe, and each in its own context', async (t) => {
    const events: string[] = [];
    const slow = defineService({
      name: 'slow',
      description: 'Records when each handler starts and ends.',
      routes(scope) {
        for (const method of ['GET', 'POST'] as const) {
          scope.route({
            method,
            url: '/:name',
            schema: { hide: true, params: Type.Object({ name: Type.String() }) },
            async handler(request) {
              const { name } = request.params as { name: string };
              events.push(`${name} begins`);
              await sleep(50);
              getLogger().info({ name }, 'done');
              events.push(`${name} ends`);
              return {};
            },
          });
        }
      },
    });
    const { url, logs } = await createTestApp(t, { services: [slow] });
    const request = (method: string, name: string) =>
      `${method} /slow/${name} HTTP/1.1\r\n${host}x-request-id: ${name}\r\n\r\n`;
    const sent = ['GET a', 'GET b', 'POST c', 'GET d', 'POST e']
      .map((line) => request(...(line.split(' ') as [string, string])))
      .join('');
    const end = get('/health', 'connection: close\r\n');
    const responses = await exchange(t, url, sent + end);
    expect(responses.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(events.slice(0, 2)).toEqual(['a begins', 'b begins']);
    expect(events.slice(2, 4).toSorted()).toEqual(['a ends', 'b ends']);
    expect(events.slice(4)).toEqual(['c', 'd', 'e'].flatMap((name) => [`${name} begins`, `${name} ends`]));
    const entries = logs.filter(({ msg }) => msg === 'done');
    expect(entries.map(({ reqId }) => reqId)).toEqual(entries.map(({ name }) => name));
  });

  test.for([
    ['in the same event-loop turn', 60_000, 2],
    ['in a later one', 0, 0],
  ] as const)(
    'are not handled after a request whose response closes the connection: %s',
    async ([, turnMs, count], t) => {
      const { turnMs: before } = internalLimits;
      t.onTestFinished(() => void Object.assign(internalLimits, { turnMs: before }));
      Object.assign(internalLimits, { turnMs });
      const { url, logs, send } = await createExampleAppAt(t, 'in the same app');
      const text = `POST /pet/pets/ HTTP/1.1\r\n${host}content-type: text/plain\r\ncontent-length: 1\r\n\r\nx`;
      const twoHosts = `GET /pet/pets/ HTTP/1.1\r\n${host}${host}\r\n`;
      for (const [name, [bytes, status]] of Object.entries({
        text: [text, 415],
        twoHosts: [twoHosts, 400],
      })) {
        logs.length = 0;
        const treat = `POST /pet/pets/1/treat HTTP/1.1\r\n${host}\r\n`;
        const sent = `${create('before')}${bytes}${create('after')}${treat}`;
        const responses = await exchange(t, url, sent);
        expect(
          responses.map((response) => response.status),
          name,
        ).toEqual([200, status]);
        const { body } = await send('GET', '/pet/pets/');
        expect(JSON.stringify(body), name).not.toMatch(/after|excited/);
        // Those that Fastify got have a log entry with `aborted`, because they get no response.
        await until(() => expect(logs.filter((line) => isAccess(line) && line.aborted)).toHaveLength(count));
      }
    },
  );
});

test('an absolute URL is read as its path, in every grouping', async (t) => {
  for (const place of places) {
    const { url, send, everyRawLog } = await createExampleAppAt(t, place);
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    const targets = [
      'http://evil.example/pet/pets/1',
      'https://user:hunter2@evil.example:8/pet/pets/1',
      '/pet/pets/1#hunter2',
      'http://evil.example?token=hunter2',
    ];
    const responses = await exchange(t, url, targets.map((target) => get(target)).join('') + last);
    const bodies = responses.map(({ body }) => body);
    const rex = { name: 'Rex' };
    const gateway = { message: 'Gateway is running' };
    expect(bodies).toMatchObject([rex, rex, rex, gateway, { status: 'OK' }]);
    await until(() => expect(everyRawLog().join('')).toContain('/pet/health'));
    expect(everyRawLog().join('')).not.toMatch(/hunter2|evil/);
  }
});
