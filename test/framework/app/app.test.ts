import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { createSplitApps } from '../../../src/framework/testing/index.ts';
import pet from '../../../src/services/pet/index.ts';
import user from '../../../src/services/user/index.ts';
import { createExampleApp, makeFolder } from '../../support/app.ts';
import { countConnections } from '../../support/sockets.ts';

test('an app that has stopped leaves no interval behind', async (t) => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  t.onTestFinished(() => void vi.useRealTimers());
  const folder = makeFolder(t);
  const database = (name: string) => ({ database: `sqlite:${join(folder, name)}.db` });
  const services = { pet: database('pet'), user: database('user') };
  const { app } = await createExampleApp(t, { config: { services, limits: { wait: 50 } } });
  // The concurrency limit, timeouts, unread responses, the lag, the event loop, and two of each database.
  expect(vi.getTimerCount()).toBeGreaterThanOrEqual(9);
  await app.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('an app that has stopped has closed its connections to other apps', async (t) => {
  // Otherwise unused connections are closed anyway.
  const { unusedMs } = internalLimits;
  Object.assign(internalLimits, { unusedMs: 60_000 });
  t.onTestFinished(() => void Object.assign(internalLimits, { unusedMs }));
  const { gateway, appOf } = await createSplitApps(t, { services: [pet, user] });
  const users = appOf('user');
  await gateway.post('/pet/pets/', { name: 'Rex', species: 'dog' });
  await gateway.post('/user/users/', { name: 'Alice' });
  expect((await gateway.post('/user/users/1/pets/1')).status).toBe(200);
  for (const path of ['/ready', '/pet/health', '/pet/events'])
    expect((await gateway.get(path)).status).toBe(200);
  const pets = appOf('pet');
  expect(await countConnections(users)).toBeGreaterThan(0);
  await gateway.app.stop();
  await expect.poll(() => countConnections(users)).toBe(0);
  expect(await countConnections(pets)).toBeGreaterThan(0);
  await users.app.stop();
  await expect.poll(() => countConnections(pets)).toBe(0);
});
