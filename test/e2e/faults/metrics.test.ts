import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { sendRequest } from '../../support/app.ts';
import { scrape } from '../../support/prometheus.ts';
import { allGroupings, type Grouping, startGrouping, waitFor } from '../groupings/helper.ts';
import type { TestProcess } from '../process/helper.ts';

const countOf = 'http_request_duration_seconds_count';

test('each scrape has the metrics of all instances, also after one was killed', {
  timeout: 60_000,
}, async (t) => {
  const [together] = allGroupings;
  const { url, apps } = await startGrouping(t, together as Grouping, { instances: 2, files: true });
  // Each request has a new connection, so that both instances get some.
  for (let index = 0; index < 20; index += 1)
    await sendRequest(`${url}/pet/nowhere`, 'GET', undefined, { connection: 'close' });
  const route = async () => (await scrape(url)).sum(countOf, 'worker', 'service', 'method', 'status');
  const total = async () =>
    Object.entries(await route())
      .filter(([key]) => key.endsWith('pet GET 404'))
      .map(([, count]) => count)
      .reduce((sum, count) => sum + count, 0);
  await expect.poll(total).toBe(20);
  for (let index = 0; index < 10; index += 1) expect(await total()).toBe(20);
  expect(Object.keys((await scrape(url)).sum('process_cpu_seconds_total', 'worker'))).toEqual(['1', '2']);

  const { process: gateway } = apps.get('gateway') as { process: TestProcess };
  const parent = gateway.child.pid as number;
  const [victim] = execFileSync('pgrep', ['-P', String(parent)], { encoding: 'utf8' }).split('\n');
  process.kill(Number(victim), 'SIGKILL');
  await gateway.waitForOutput(/an instance ended by itself/);
  // The series of the new instance start at 0; the series of the other one continue.
  await waitFor(() =>
    total().then(
      (count) => count < 20,
      () => false,
    ),
  );
  expect(await total()).toBeGreaterThan(0);
  const before = await total();
  for (let index = 0; index < 10; index += 1)
    await sendRequest(`${url}/pet/nowhere`, 'GET', undefined, { connection: 'close' });
  await expect.poll(total).toBe(before + 10);
});
