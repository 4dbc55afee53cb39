import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type LogEntry, sendRequest } from '../../support/app.ts';
import { startGrouping, waitFor } from './helper.ts';

const eachApart = { name: 'each apart', gateway: [], apps: { pets: ['pet'], users: ['user'] } };

/** Clients that ask without end, some on connections that they keep, some on a new one each time. */
function startLoad(url: string, paths: readonly (readonly [string, string])[]) {
  const keepAlive = new Agent({ keepAlive: true, maxSockets: 6 });
  const oneShot = new Agent({ keepAlive: false });
  const outcomes = new Map<string, number>();
  let isAsking = true;
  let asked = 0;
  const ask = (agent: Agent) =>
    new Promise<void>((resolve) => {
      const [method, path] = paths[asked % paths.length] as readonly [string, string];
      asked += 1;
      const end = (outcome: string) => {
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        resolve();
      };
      const begun = performance.now();
      const sent = request(`${url}${path}`, { method, agent }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        answer.on('end', () => {
          if (answer.statusCode === 200) return end('200');
          const speed = performance.now() - begun > 2000 ? 'slowly' : 'quickly';
          const { 'retry-after': after } = answer.headers;
          end(`${answer.statusCode} ${speed}, Retry-After ${after}: ${JSON.parse(text).detail}`);
        });
        answer.on('error', () => end('cut'));
      });
      sent.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
      sent.end();
    });
  const clients = [keepAlive, keepAlive, keepAlive, keepAlive, oneShot, oneShot].map(async (agent) => {
    // Enough for hundreds of requests a restart, and not so much that starting takes the time.
    while (isAsking) {
      await ask(agent);
      await sleep(10);
    }
  });
  return {
    outcomes,
    async stop() {
      isAsking = false;
      await Promise.all(clients);
      keepAlive.destroy();
      return Object.fromEntries(outcomes);
    },
  };
}

async function seed(url: string): Promise<void> {
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  await sendRequest(`${url}/user/users/1/pets/1`, 'POST');
}

const reads = [
  ['GET', '/pet/pets/1'],
  ['GET', '/user/users/1'],
] as const;
const writes = [...reads, ['POST', '/pet/pets/1/treat'], ['POST', '/user/users/1/pets/1']] as const;

test('20 restarts of two instances each, of any app, under load, lose no request', {
  timeout: 200_000,
}, async (t) => {
  // A call that is late on a busy machine is not one that a restart lost.
  const more = { calls: { deadline: 10_000 } };
  const started = await startGrouping(t, eachApart, { instances: 2, files: true, more });
  const { url, apps, lines } = started;
  await seed(url);
  const load = startLoad(url, writes);
  const replaced = () => lines().filter(({ msg }: LogEntry) => msg === 'instance replaced').length;
  const names = [...apps.keys()];
  const restarts = 20;
  for (let restart = 0; restart < restarts; restart += 1) {
    const before = replaced();
    apps.get(names[restart % names.length] as string)?.process.child.kill('SIGHUP');
    await waitForLong(() => replaced() === before + 2);
  }
  const outcomes = await load.stop();
  console.log(`${restarts} restarts of 2 instances: ${JSON.stringify(outcomes)}`);
  expect(Object.keys(outcomes)).toEqual(['200']);
  expect(outcomes['200']).toBeGreaterThan(1000);
});

test('without a second instance a restart gives 503 with Retry-After, quickly, and nothing else', {
  timeout: 60_000,
}, async (t) => {
  const { url, apps, start } = await startGrouping(t, eachApart, { files: true });
  await seed(url);
  const load = startLoad(url, reads);
  await sleep(500);
  for (const app of ['pets', 'users']) {
    const { child, ended } = (apps.get(app) as NonNullable<ReturnType<typeof apps.get>>).process;
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
    await sleep(200);
    await start(app);
    await waitFor(async () => (await sendRequest(`${url}/user/users/1`, 'GET')).status === 200);
  }
  const outcomes = await load.stop();
  console.log(`a restart of each app with one instance: ${JSON.stringify(outcomes)}`);
  expect(
    Object.keys(outcomes).filter((outcome) => !/^(200|503 quickly, Retry-After 1: )/.test(outcome)),
  ).toEqual([]);
  expect(Object.keys(outcomes)).toContainEqual(expect.stringMatching(/^503/));
});

async function waitForLong(isSo: () => boolean): Promise<void> {
  const end = Date.now() + 30_000;
  while (!isSo()) {
    if (Date.now() > end) throw new Error('not replaced after 30 s');
    await sleep(50);
  }
}
