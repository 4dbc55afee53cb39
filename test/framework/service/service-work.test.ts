import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { buildApp } from '../../../src/framework/app/app.ts';
import { checkConfig } from '../../../src/framework/config/config.ts';
import { getLogger } from '../../../src/framework/logging/logger.ts';
import {
  defineService,
  type Service,
  type ServiceContext,
} from '../../../src/framework/service/define-service.ts';
import pet from '../../../src/services/pet/index.ts';
import { captureLog, createTestApp, findFreePort } from '../../support/app.ts';

function makeWorker(routes: (context: ServiceContext<unknown, 'pet'>) => void): Service {
  return defineService({
    name: 'worker',
    description: 'Works',
    peers: ['pet'],
    routes: (_app, context) => routes(context),
  }) as Service;
}

test('onStart can call a peer, and its log entries name the service', async (t) => {
  const found: unknown[] = [];
  const worker = makeWorker(({ peers: { pet }, onStart }) => {
    const { listPets } = pet;
    onStart(async () => {
      found.push(await listPets());
      getLogger().info('started');
    });
  });
  const { logs } = await createTestApp(t, { services: [worker, pet as Service] });
  expect(found).toEqual([[]]);
  expect(logs.filter(({ msg }) => msg === 'started')).toMatchObject([{ service: 'worker', job: 'start' }]);
});

test('an error in onStart stops the app', async (t) => {
  const worker = makeWorker(({ onStart }) => onStart(() => Promise.reject(new Error('no room'))));
  await expect(createTestApp(t, { services: [worker, pet as Service] })).rejects.toThrow(
    'worker: onStart failed: no room',
  );
  const throwing = makeWorker(({ onStart }) => onStart(() => Promise.reject('no door')));
  await expect(createTestApp(t, { services: [throwing, pet as Service] })).rejects.toThrow(
    'worker: onStart failed: no door',
  );
});

test('a job runs again after a failure, never overlaps, and ends before onStop', async (t) => {
  const events: string[] = [];
  let running = 0;
  const worker = makeWorker(({ job, onStop }) => {
    job('tidy', { everyMs: 1 }, async (signal) => {
      running += 1;
      events.push(`run ${running}`);
      if (events.length === 1) {
        running -= 1;
        throw new Error('not now');
      }
      await sleep(events.length < 4 ? 5 : 60_000, undefined, { signal }).finally(() => {
        running -= 1;
      });
    });
    onStop(() => void events.push(`stop ${running}`));
  });
  const { app, logs } = await createTestApp(t, { services: [worker, pet as Service] });
  await expect.poll(() => events.length).toBe(4);
  await app.stop();
  expect(events).toEqual(['run 1', 'run 1', 'run 1', 'run 1', 'stop 0']);
  expect(logs.filter(({ level }) => level === 'error')).toMatchObject([
    { service: 'worker', job: 'tidy', msg: 'job failed', err: { message: 'not now' } },
  ]);
});

test.for([0, Number.NaN, 30 * 86_400_000])('a job every %d ms stops the start', async (everyMs, t) => {
  const worker = makeWorker(({ job }) => job('tidy', { everyMs }, () => {}));
  await expect(createTestApp(t, { services: [worker, pet as Service] })).rejects.toThrow(
    `worker: the job tidy has everyMs ${everyMs}: a timer takes 1 to 2147483647 (24 days)`,
  );
});

test('an app that stops during onStart rejects requests immediately, and stops when onStart has ended', async (t) => {
  const begun = Promise.withResolvers<void>();
  const { promise, resolve } = Promise.withResolvers<void>();
  const events: string[] = [];
  const worker = makeWorker(({ onStart, onStop }) => {
    onStart(async (signal) => {
      begun.resolve();
      await promise;
      events.push(signal.aborted ? 'aborted' : 'started');
    });
    onStop(() => void events.push('stopped'));
  });
  const services = new Map([['worker', { ...worker, peers: [] } as Service]]);
  const port = await findFreePort();
  const apps = { gateway: { port, services: ['worker'] } };
  const config = checkConfig({ services: { worker: {} }, apps }, services, 'config.yaml');
  const { logging } = await captureLog('info');
  const app = await buildApp({ config, name: 'gateway', services, logging, version: '0.0.0' });
  t.onTestFinished(() => app.stop());
  const starting = app.listen();
  await begun.promise;
  const stopped = app.stop();
  await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/ready`)).status).toBe(503);
  expect(events).toEqual([]);
  resolve();
  await Promise.all([starting, stopped]);
  expect(events).toEqual(['aborted', 'stopped']);
});
