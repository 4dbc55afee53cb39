import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder, sendRequest } from '../../support/app.ts';
import { makeTrace, startCollector } from '../../support/collector.ts';
import { startServer, writeConfig } from './helper.ts';

/** Makes Node print each module of OpenTelemetry that it loads. */
const watch = `
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    if (url.includes('@opentelemetry')) console.log('loaded ' + url);
    return next(url, context);
  },
});`;

test('OpenTelemetry is loaded only if traces are configured', async (t) => {
  const hook = join(makeFolder(t), 'watch.mjs');
  writeFileSync(hook, watch);
  const env = { NODE_OPTIONS: `--import ${hook}` };
  const collector = await startCollector(t);
  for (const [extra, isLoaded] of [
    ['', false],
    [`traces: { url: "${collector.url}" }\n`, true],
  ] as const) {
    const { file } = writeConfig(t, { extra });
    const { url, output, child, ended } = await startServer(t, file, env);
    await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' }, makeTrace().headers);
    expect((await sendRequest(`${url}/user/users/1`, 'GET', undefined, makeTrace().headers)).status).toBe(
      404,
    );
    child.kill('SIGTERM');
    await ended;
    expect(output().includes('loaded '), extra).toBe(isLoaded);
  }
});

test('SIGTERM loses no span', async (t) => {
  const { url: collector, spans } = await startCollector(t);
  const extra = `traces: { url: "${collector}" }\n`;
  const { file } = writeConfig(t, { extra });
  const { url, child, ended } = await startServer(t, file);
  const traces = Array.from({ length: 600 }, () => makeTrace());
  const get = ({ headers }: (typeof traces)[number]) =>
    sendRequest(`${url}/pet/pets/1`, 'GET', undefined, headers);
  const statuses = new Set<number>();
  // A server never rejects 50 concurrent requests, even on a busy machine.
  for (let from = 0; from < traces.length; from += 50) {
    for (const { status } of await Promise.all(traces.slice(from, from + 50).map(get))) statuses.add(status);
  }
  expect(statuses).toEqual(new Set([404]));
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  const of = (wanted: string) =>
    spans
      .filter(({ name }) => name === wanted)
      .map(({ traceId }) => traceId)
      .sort();
  expect(of('GET /pet/pets/:pet_id')).toEqual(traces.map(({ traceId }) => traceId).sort());
  expect(of('SELECT pet')).toEqual(traces.map(({ traceId }) => traceId).sort());
});
