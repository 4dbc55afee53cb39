import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type LogEntry, sendRequest } from '../../support/app.ts';
import { startGrouping, waitFor } from './helper.ts';

const separateApps = { name: 'separate apps', gateway: [], apps: { pets: ['pet'], users: ['user'] } };

/** Starts clients that send requests all the time: four on kept connections, two with a new connection each time. */
function startLoad(url: string, requests: readonly (readonly [string, string])[]) {
  const outcomes = new Map<string, number>();
  let isStopped = false;
  let sent = 0;
  async function send(headers: Record<string, string>): Promise<string> {
    const [method, path] = requests[sent % requests.length] as readonly [string, string];
    sent += 1;
    const start = performance.now();
    try {
      const { status, ...response } = await sendRequest(`${url}${path}`, method, undefined, headers);
      if (status === 200) return '200';
      const speed = performance.now() - start > 2000 ? 'slowly' : 'quickly';
      return `${status} ${speed}, Retry-After ${response.headers.get('retry-after')}: ${response.body.detail}`;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'error';
    }
  }
  const oneShot = { connection: 'close' };
  const clients = [{}, {}, {}, {}, oneShot, oneShot].map(async (headers) => {
    while (!isStopped) {
      const outcome = await send(headers);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      // The pause leaves processor time for starting, and still gives hundreds of requests per restart.
      await sleep(10);
    }
  });
  return async () => {
    isStopped = true;
    await Promise.all(clients);
    return Object.fromEntries(outcomes);
  };
}

async function seed(url: string): Promise<void> {
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  await sendRequest(`${url}/user/users/1/pets/1`, 'POST');
}

/** `RESTARTS` in the environment says how often. */
const restarts = Number(process.env.RESTARTS ?? 20);

const reads = [
  ['GET', '/pet/pets/1'],
  ['GET', '/user/users/1'],
] as const;
const writes = [...reads, ['POST', '/pet/pets/1/treat'], ['POST', '/user/users/1/pets/1']] as const;

test(`${restarts} restarts of apps with two instances under load lose no request`, {
  timeout: 30_000 + restarts * 20_000,
}, async (t) => {
  // On a busy machine a call may time out without any restart.
  const more = { calls: { deadline: 10_000 } };
  const { url, apps, readLogs } = await startGrouping(t, separateApps, { instances: 2, files: true, more });
  await seed(url);
  const stopLoad = startLoad(url, writes);
  const countReplaced = () => readLogs().filter(({ msg }: LogEntry) => msg === 'instance replaced').length;
  const names = [...apps.keys()];
  for (let restart = 0; restart < restarts; restart += 1) {
    const before = countReplaced();
    apps.get(names[restart % names.length] as string)?.process.child.kill('SIGHUP');
    await waitFor(() => countReplaced() === before + 2);
  }
  const outcomes = await stopLoad();
  console.log(`${restarts} restarts of 2 instances: ${JSON.stringify(outcomes)}`);
  expect(Object.keys(outcomes)).toEqual(['200']);
  expect(outcomes['200']).toBeGreaterThan(50 * restarts);
});

test('a restart of an app with one instance gives 503 with Retry-After, quickly', {
  timeout: 60_000,
}, async (t) => {
  const { url, apps, start } = await startGrouping(t, separateApps, { files: true });
  await seed(url);
  const stopLoad = startLoad(url, reads);
  await sleep(500);
  for (const app of ['pets', 'users']) {
    const { child, ended } = (apps.get(app) as NonNullable<ReturnType<typeof apps.get>>).process;
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
    await sleep(200);
    await start(app);
    await waitFor(async () => (await sendRequest(`${url}/user/users/1`, 'GET')).status === 200);
  }
  const outcomes = await stopLoad();
  console.log(`a restart of each app with one instance: ${JSON.stringify(outcomes)}`);
  expect(
    Object.keys(outcomes).filter((outcome) => !/^(200|503 quickly, Retry-After 1: )/.test(outcome)),
  ).toEqual([]);
  expect(Object.keys(outcomes)).toContainEqual(expect.stringMatching(/^503/));
});
