import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runInContext } from '../../../src/framework/context/context.ts';
import {
  openSliceScheduler,
  type SliceSchedulerOptions,
} from '../../../src/framework/http/slice-scheduler.ts';
import { captureLog } from '../../support/app.ts';

const log = (await captureLog('info')).logging.logger('user');

/** Opens a scheduler, and starts jobs whose slices end when the test ends them. */
function open(options: Partial<SliceSchedulerOptions> = {}) {
  const run = openSliceScheduler({ parallel: 1, maxUnits: 1_000_000, detail: 'Too much', ...options });
  const running: { readonly name: string; end(error?: Error): Promise<void> }[] = [];
  const started: string[] = [];

  function start(name: string, units: number, count = 2, request = { isOver: false }): Promise<void> {
    const slices = Array.from({ length: count }, () => () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      started.push(name);
      running.push({
        name,
        async end(error) {
          if (error === undefined) resolve();
          else reject(error);
          await turn();
          await turn();
        },
      });
      return promise;
    });
    return runInContext({ service: 'user', serviceLog: log, log, request }, () => run(units, slices));
  }

  async function endAll(): Promise<void> {
    await turn();
    for (let slice = running.shift(); slice !== undefined; slice = running.shift()) await slice.end();
  }
  return { start, started, running, endAll };
}

test('jobs of the same size run one after the other, in order of arrival', async () => {
  const { start, started, endAll } = open();
  const jobs = ['a', 'b', 'c'].map((name) => start(name, 1_000));
  await endAll();
  await Promise.all(jobs);
  expect(started.join('')).toBe('aabbcc');
});

test('a smaller job runs between two slices of a larger one', async () => {
  const { start, started, running, endAll } = open();
  const jobs = [start('large', 100_000, 3), start('small', 2_000)];
  await turn();
  expect(started).toEqual(['large']);
  await running.shift()?.end();
  expect(started).toEqual(['large', 'small']);
  await endAll();
  await Promise.all(jobs);
  expect(started).toEqual(['large', 'small', 'small', 'large', 'large']);
});

test('a large job runs although small ones keep arriving', async () => {
  const { start, started, running, endAll } = open();
  const first = start('first', 10, 1);
  const large = start('large', 200, 1);
  const begun = performance.now();
  const jobs = [first, large];
  await turn();
  // Each small job arrives before the previous one ends.
  while (!started.includes('large') && performance.now() - begun < 20_000) {
    jobs.push(start('small', 1, 1));
    await running.shift()?.end();
  }
  expect(started).toContain('large');
  await endAll();
  await Promise.all(jobs);
});

test('`parallel` slices run at the same time', async () => {
  const { start, started, running, endAll } = open({ parallel: 2 });
  const jobs = ['a', 'b', 'c'].map((name) => start(name, 1_000, 1));
  await turn();
  expect(started).toEqual(['a', 'b']);
  await running.shift()?.end();
  expect(started).toEqual(['a', 'b', 'c']);
  await endAll();
  await Promise.all(jobs);
});

test('a job is rejected with 503 if all open jobs together have too many units, but not if it is alone', async () => {
  const { start, endAll } = open({ maxUnits: 1_000 });
  const alone = start('alone', 5_000);
  await expect(start('more', 1)).rejects.toMatchObject({ status: 503, message: 'Too much' });
  await endAll();
  await alone;
  const jobs = [start('a', 500), start('b', 500)];
  await expect(start('c', 1)).rejects.toMatchObject({ status: 503 });
  await endAll();
  await Promise.all(jobs);
});

test('no slice runs for a request that is over, and its units are released', async () => {
  const { start, started, running, endAll } = open({ maxUnits: 2_000 });
  const request = { isOver: false };
  const [first, over] = [start('first', 1_000, 1), start('over', 1_000, 2, request)];
  const rejected = expect(over).rejects.toMatchObject({ name: 'RequestEnded' });
  await turn();
  request.isOver = true;
  await running.shift()?.end();
  await rejected;
  const next = start('next', 2_000, 1);
  await endAll();
  await Promise.all([first, next]);
  expect(started).toEqual(['first', 'next']);
});

test('a slice that fails ends its job, and the next job runs', async () => {
  const { start, started, running, endAll } = open();
  const [broken, next] = [start('broken', 1_000), start('next', 1_000)];
  const failed = expect(broken).rejects.toThrow('a defect');
  await turn();
  await running.shift()?.end(new Error('a defect'));
  await failed;
  await endAll();
  await next;
  expect(started).toEqual(['broken', 'next', 'next']);
});
