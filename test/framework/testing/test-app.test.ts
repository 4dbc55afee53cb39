import { createServer } from 'node:http';
import { Type } from '@sinclair/typebox';
import { expect, type TestContext, test } from 'vitest';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { defineService, type Service } from '../../../src/framework/service/define-service.ts';
import { createSplitApps, createTestApp } from '../../../src/framework/testing/index.ts';
import { startListening } from '../../support/listening.ts';

type Call = (init: object) => Promise<{ text: string }>;

const response = { 200: Type.Object({ text: Type.String() }) };

/** Defines a service that responds with its name, and with the text of its peer, if it has one. */
function defineEcho(name: string, peer?: string): Service {
  return defineService({
    name,
    description: 'Responds with a text.',
    ...(peer !== undefined && { peers: [peer as never] }),
    routes(app, { peers }) {
      const calls = peers as unknown as Record<string, Record<string, Call>>;
      const read = peer === undefined ? undefined : calls[peer]?.[`read${peer}`];
      app.get('/text', { schema: { operationId: `read${name}`, response } }, async () => ({ text: name }));
      app.get('/both', { schema: { operationId: `readBoth${name}`, response } }, async () => ({
        text: `${name} ${(await read?.({}))?.text}`,
      }));
      app.post('/copy', { schema: { hide: true } }, async ({ method, body }) => ({ method, body }));
      app.delete('/text', { schema: { hide: true } }, async ({ method }) => ({ method }));
    },
  }) as unknown as Service;
}

const one = defineEcho('one', 'two');
const two = defineEcho('two');

/** Creates the document that `generate` would write for the services of these tests. */
async function describeServices(t: TestContext): Promise<OpenApiDocument> {
  const { app, get } = await createTestApp(t, { services: [defineEcho('one'), two] });
  const document = (await get('/openapi.json')).body;
  await app.stop();
  return document;
}

test('an app runs its services behind a gateway', async (t) => {
  const contract = await describeServices(t);
  const { url, get, post, delete: remove, logs } = await createTestApp(t, { services: [one, two], contract });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await get('/one/both')).toMatchObject({ status: 200, body: { text: 'one two' } });
  expect((await post('/one/copy', { a: 1 })).body).toEqual({ method: 'POST', body: { a: 1 } });
  expect((await remove('/two/text')).body).toEqual({ method: 'DELETE' });
  await expect.poll(() => logs.map(({ path }) => path)).toContain('/two/text');
});

test('split apps run one service each, and call each other through sockets', async (t) => {
  const contract = await describeServices(t);
  const { gateway, appOf } = await createSplitApps(t, { services: [one, two], contract });
  expect((await gateway.get('/one/both')).body).toEqual({ text: 'one two' });
  expect((await appOf('two').get('/two/text')).body).toEqual({ text: 'two' });
  expect((await appOf('two').get('/one/text')).status).toBe(404);
  await expect.poll(() => appOf('two').logs.map(({ path }) => path)).toContain('/two/text');
  expect(() => appOf('three')).toThrow('Unknown service three: the apps run two, one, gateway');
  const { get } = await createTestApp(t, { services: [one, two], contract, split: true });
  expect((await get('/one/both')).body).toEqual({ text: 'one two' });
});

test('two services that call each other can be split', async (t) => {
  const contract = await describeServices(t);
  const services = [one, defineEcho('two', 'one')];
  const { gateway } = await createSplitApps(t, { services, contract });
  expect((await gateway.get('/one/both')).body).toEqual({ text: 'one two' });
  expect((await gateway.get('/two/both')).body).toEqual({ text: 'two one' });
});

test('a peer is a service beside the app, or the URL of a server of the test', async (t) => {
  const contract = await describeServices(t);
  const beside = await createTestApp(t, { services: [one], peers: { two }, contract });
  expect((await beside.get('/one/both')).body).toEqual({ text: 'one two' });

  const server = createServer((_request, reply) => void reply.writeHead(500).end());
  const { url } = await startListening(t, server);
  const failing = await createTestApp(t, { services: [one], peers: { two: url }, contract });
  expect((await failing.get('/one/both')).status).toBe(503);
});

test('a missing or repeated peer is an error that names the fix', async (t) => {
  await expect(createTestApp(t, { services: [one] })).rejects.toThrow(
    'Missing two, a peer of one: add it to services or to peers',
  );
  await expect(createTestApp(t, { services: [one, two], peers: { two } })).rejects.toThrow(
    'Expected each peer once: two is in services and in peers',
  );
  await expect(createTestApp(t, { services: [one], peers: { two: defineEcho('three') } })).rejects.toThrow(
    'peers.two is not the service two, but three',
  );
  await expect(createTestApp(t, { services: [two, undefined as never] })).rejects.toThrow(
    'services[1] is not a service: import the default export of its index.ts',
  );
});

test('the config of a test replaces the defaults, service by service', async (t) => {
  const config = { services: { two: { log: { level: 'silent' } } }, limits: { body: 1_024 } };
  const { get, post, logs } = await createTestApp(t, { services: [defineEcho('one'), two], config });
  await get('/two/text');
  expect((await post('/one/copy', JSON.stringify('a'.repeat(2_000)))).status).toBe(413);
  await expect.poll(() => logs.map(({ service }) => service)).toContain('one');
  expect(logs.map(({ service }) => service)).not.toContain('two');
});

test('bytes are sent unchanged', async (t) => {
  const service = defineService({
    name: 'file',
    description: 'Takes bytes.',
    routes(app) {
      app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_, body, done) =>
        done(null, body),
      );
      app.post('/', { schema: { hide: true } }, async ({ body }) => [...(body as Buffer)]);
    },
  });
  const { post } = await createTestApp(t, { services: [service] });
  const headers = { 'content-type': 'application/octet-stream' };
  expect((await post('/file/', Buffer.from([0, 255]), headers)).body).toEqual([0, 255]);
});

test.each(['docs', 'gateway'])('the name %s of a service is an error that names the fix', async (name) => {
  const started = createTestApp({ onTestFinished() {} }, { services: [defineEcho(name)] });
  await expect(started).rejects.toThrow(
    `config.yaml: services.${name} has a name that the framework uses: give the service another name`,
  );
});
