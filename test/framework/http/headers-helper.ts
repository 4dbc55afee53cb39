import type { TestContext } from 'vitest';
import pet from '../../../src/services/pet/index.ts';
import { createExampleApp, createTestApp, findFreePort, sendRequest } from '../../support/app.ts';

export const get = (url: string, headers?: Record<string, string>) =>
  sendRequest(url, 'GET', undefined, headers);

/** Starts the example services in one app, and with the pet service in an app behind the gateway. Returns both URLs. */
export async function startBoth(t: TestContext, config: object = {}) {
  const one = await createExampleApp(t, { config: { ...config } });
  const port = await findFreePort();
  const pets = { ...config, apps: { gateway: { port, services: ['pet'] } } };
  await createTestApp(t, { services: [pet], config: pets });
  const apps = {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port, services: ['pet'] },
  };
  const split = await createExampleApp(t, { config: { ...config, apps } });
  for (const { send } of [one, split]) {
    for (let index = 0; index < 30; index += 1)
      await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  }
  return [one.url, split.url];
}

/** Requests a compressed response. `fetch` decodes each encoding that `content-encoding` names. */
export async function getCompressed(url: string, encodings = 'gzip') {
  const response = await fetch(url, { headers: { 'accept-encoding': encodings } });
  const { status, headers } = response;
  const isJson = /json/.test(headers.get('content-type') ?? '');
  return { status, headers, body: isJson ? await response.json() : await response.text() };
}
