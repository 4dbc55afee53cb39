import { describe, expect, type TestContext, test } from 'vitest';
import { getLogger } from '../../../src/framework/logging/logger.ts';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createExampleApp, createTestApp, sendRequest } from '../../support/app.ts';
import { startPetServer } from '../../support/rogue.ts';

const key = 'sixteen-or-more-characters';

/** Logs the headers that it receives. */
const shown = defineService({
  name: 'shown',
  description: 'Logs the headers of a request.',
  routes(scope) {
    scope.get('/log', { schema: { hide: true } }, async ({ headers }) => {
      getLogger().info({ headers, internal: { key } }, 'request received');
      return { ok: true };
    });
  },
});

describe('the internal credential', () => {
  /** Starts a server in place of the pet app, and records the headers of each request. */
  async function startRecorder(t: TestContext) {
    const received: Record<string, unknown>[] = [];
    const apps = await startPetServer(t, (incoming, reply) => {
      received.push({ url: incoming.url, ...incoming.headers });
      reply.writeHead(200, { 'content-type': 'application/json' }).end('[]');
    });
    return { received, apps };
  }
  const sent = { 'x-internal': `service ${key}`, 'x-own': 'yes' };

  test('is sent to a configured peer with the kind of sender, and a header of the client is not forwarded', async (t) => {
    const { received, apps } = await startRecorder(t);
    const { url, send } = await createExampleApp(t, { config: { apps, internal: { key } } });
    await sendRequest(`${url}/pet/pets/7`, 'GET', undefined, sent);
    await send('POST', '/user/users/', { name: 'Alice' });
    await send('POST', '/user/users/1/pets/1');
    const of = (path: string) => received.filter(({ url }) => String(url).startsWith(path));
    expect(of('/pet/pets/7')).toMatchObject([{ 'x-own': 'yes', 'x-internal': `gateway ${key}` }]);
    expect(of('/pet/pets/?ids')[0]).toMatchObject({ 'x-internal': `service ${key}`, 'x-hops': '1' });
  });

  test('is sent only to the app itself if the config has no internal.key', async (t) => {
    const { received, apps } = await startRecorder(t);
    const { url, send } = await createExampleApp(t, { config: { apps } });
    await sendRequest(`${url}/pet/pets/7`, 'GET', undefined, sent);
    await send('POST', '/user/users/', { name: 'Alice' });
    await send('POST', '/user/users/1/pets/1');
    expect(received.length).toBeGreaterThanOrEqual(2);
    for (const headers of received) expect(headers).not.toHaveProperty('x-internal');
  });

  test('is in no log entry', async (t) => {
    const { url, logs } = await createTestApp(t, {
      services: [shown],
      config: { internal: { key }, log: { level: 'trace' } },
    });
    await sendRequest(`${url}/shown/log`, 'GET', undefined, sent);
    expect(logs.some(({ msg }) => msg === 'request received')).toBe(true);
    expect(JSON.stringify(logs)).not.toContain(key);
  });
});
