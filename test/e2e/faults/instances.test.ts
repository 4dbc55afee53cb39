import { once } from 'node:events';
import { readdirSync, renameSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, type TestContext, test } from 'vitest';
import { findFreePort, sendRequest } from '../../support/app.ts';
import { scrape } from '../../support/prometheus.ts';
import { waitFor } from '../groupings/helper.ts';
import { childrenOf, isAlive, waitForEnd } from '../process/children.ts';
import { main, startProcess, writeConfig } from '../process/helper.ts';

/** Starts two instances on one port. */
async function startTwo(t: TestContext) {
  const port = await findFreePort();
  const { folder, file } = writeConfig(t, { port, instances: 2 });
  const server = startProcess(t, process.execPath, [main, '--config', file]);
  await server.waitForOutput(/instances share the port/);
  const parent = server.child.pid as number;
  const count = (pattern: RegExp) => [...server.output().matchAll(pattern)].length;
  return {
    ...{ ...server, folder, file, port, parent, count, url: `http://127.0.0.1:${port}` },
    instances: () => childrenOf(parent),
    gauge: async (name: string) => {
      const { series } = await scrape(`http://127.0.0.1:${port}`);
      return series.find((one) => one.name === name)?.value;
    },
  };
}

/** Opens a connection and requests /health. Returns its output so far, and whether it has ended. */
function requestHealth(t: TestContext, port: number) {
  const socket: Socket = connect(port, '127.0.0.1');
  t.onTestFinished(() => void socket.destroy());
  const seen = { text: '', hasEnded: false };
  socket.setEncoding('utf8').on('data', (part) => {
    seen.text += part;
  });
  socket
    .on('error', () => {})
    .on('close', () => {
      seen.hasEnded = true;
    });
  socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  return seen;
}

test('the start of an instance is retried until it succeeds', { timeout: 60_000 }, async (t) => {
  const { file, url, instances, waitForOutput, count, gauge } = await startTwo(t);
  renameSync(file, `${file}.away`);
  const [victim] = instances() as [number, number];
  process.kill(victim, 'SIGKILL');
  await waitForOutput(
    /an instance could not be started: trying again[\s\S]*an instance could not be started: trying again/,
  );
  expect((await sendRequest(`${url}/ready`, 'GET')).status).toBe(200);
  expect(await gauge('instances_configured')).toBe(2);
  expect(await gauge('instances_listening')).toBe(1);
  const { sum } = await scrape(url);
  expect(sum('instance_failures_total', 'reason')).toMatchObject({ died: 1, hung: 0 });
  expect(sum('instance_failures_total', 'reason').start).toBeGreaterThanOrEqual(2);
  // A series of a dead instance would look like a running instance.
  expect(Object.keys(sum('process_cpu_seconds_total', 'worker'))).toHaveLength(1);
  renameSync(`${file}.away`, file);
  await expect.poll(() => gauge('instances_listening'), { timeout: 30_000 }).toBe(2);
  expect(count(/an instance ended by itself/g)).toBe(1);
});

test('old instances keep running if a new instance cannot start', { timeout: 60_000 }, async (t) => {
  const { file, url, child, ended, instances, waitForOutput, output } = await startTwo(t);
  const before = instances();
  renameSync(file, `${file}.away`);
  child.kill('SIGHUP');
  await waitForOutput(/an instance could not be replaced: the old one serves/);
  expect(instances()).toEqual(before);
  expect((await sendRequest(`${url}/health`, 'GET')).status).toBe(200);
  expect(output()).not.toContain('instance replaced');
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('two SIGHUP replace each instance twice, one instance at a time', { timeout: 90_000 }, async (t) => {
  const { child, instances, count } = await startTwo(t);
  const before = instances();
  child.kill('SIGHUP');
  await sleep(100);
  child.kill('SIGHUP');
  let max = 0;
  const seen = new Set(before);
  while (count(/instance replaced/g) < 4) {
    const now = instances();
    max = Math.max(max, now.length);
    for (const pid of now) seen.add(pid);
    await sleep(20);
  }
  // Both instances and both of their successors were replaced.
  expect(seen.size).toBe(6);
  expect(max).toBe(3);
  await waitFor(() => instances().length === 2);
  expect(instances().some((pid) => before.includes(pid))).toBe(false);
});

test('an instance that hangs is killed during a rolling restart, and at the stop', {
  timeout: 120_000,
}, async (t) => {
  const { child, ended, instances, port, url, count, gauge } = await startTwo(t);
  const [hung] = instances() as [number, number];
  process.kill(hung, 'SIGSTOP');
  // The hung instance gets one connection. All others go to the other instance, which responds for both.
  const clients = [1, 2].map(() => requestHealth(t, port));
  await waitFor(() => clients.some(({ text }) => text !== ''));
  await expect.poll(() => gauge('instances_unresponsive'), { timeout: 20_000 }).toBe(1);
  child.kill('SIGHUP');
  while (count(/instance replaced/g) < 2) await sleep(50);
  expect(instances()).not.toContain(hung);
  expect((await scrape(url)).sum('instance_failures_total', 'reason').hung).toBe(1);
  expect(await gauge('instances_unresponsive')).toBe(0);

  const rest = instances();
  process.kill(rest[0] as number, 'SIGSTOP');
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  expect(count(/an instance does not respond: killing it/g)).toBe(2);
  await waitForEnd(rest);
});

test('the parent closes a connection that a killed instance never accepted', {
  timeout: 60_000,
}, async (t) => {
  const { parent, port, instances, waitForOutput, gauge } = await startTwo(t);
  const files = () => readdirSync(`/proc/${parent}/fd`).length;
  const [first] = instances() as [number, number];
  process.kill(first, 'SIGSTOP');
  const clients = Array.from({ length: 6 }, () => requestHealth(t, port));
  const countResponses = () => clients.filter(({ text }) => text.includes('"OK"')).length;
  await waitFor(() => countResponses() === 5);
  const before = files();
  process.kill(first, 'SIGKILL');
  await waitFor(() => clients.filter(({ text, hasEnded }) => text === '' && hasEnded).length === 1);
  await waitForOutput(/"connections":1,"msg":"closed connections that an instance never accepted"/);
  expect(await gauge('instance_connections_dropped_total')).toBe(1);
  expect(files()).toBeLessThan(before);
});

test('a second signal kills an instance that hangs', { timeout: 60_000 }, async (t) => {
  const { child, ended, instances } = await startTwo(t);
  const pids = instances();
  process.kill(pids[0] as number, 'SIGSTOP');
  child.kill('SIGTERM');
  await waitFor(() => pids.filter(isAlive).length === 1);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(1);
  await waitForEnd(pids);
});

test('instances end when their parent is killed', async (t) => {
  const { child, instances } = await startTwo(t);
  const pids = instances();
  child.kill('SIGKILL');
  await waitForEnd(pids);
});

test('instances complete requests in flight after Ctrl-C, which reaches every process', async (t) => {
  const { child, ended, port, instances, count } = await startTwo(t);
  const half =
    'POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 30\r\nexpect: 100-continue\r\n';
  const sockets = await Promise.all(
    [1, 2].map(async () => {
      const socket = connect(port, '127.0.0.1');
      t.onTestFinished(() => void socket.destroy());
      socket.write(`${half}\r\n{"name":"Rex",`);
      // The response 100 shows that the server has the head.
      await once(socket, 'data');
      return socket;
    }),
  );
  // Each instance has one half request, and one idle connection that sends a request later.
  const idle = await Promise.all(
    [1, 2].map(async () => {
      const socket = connect(port, '127.0.0.1');
      t.onTestFinished(() => void socket.destroy());
      socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
      await once(socket, 'data');
      return socket;
    }),
  );
  for (const pid of instances()) process.kill(pid, 'SIGINT');
  child.kill('SIGINT');
  // An instance stops on a message of its parent, so its entry has no signal. The entry of the parent has one.
  await waitFor(() => count(/"msg":"stopping"/g) === 3);
  expect(count(/"signal":"SIGINT","msg":"stopping"/g)).toBe(1);
  for (const socket of idle) {
    socket.write('GET /pet/pets/1 HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const [rejection] = await once(socket, 'data');
    expect(String(rejection)).toMatch(/^HTTP\/1\.1 503 [\s\S]*The server is stopping/);
  }
  for (const socket of sockets) {
    const answered = once(socket, 'data');
    socket.write('"species":"dog"}');
    expect(String((await answered)[0])).toMatch(/^HTTP\/1\.1 200 /);
  }
  expect(await ended).toEqual({ code: 0, signal: null });
});

test('instances of one app accept the internal credential of each other', async (t) => {
  const { url, child, ended, output } = await startTwo(t);
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  await sendRequest(`${url}/user/users/1/pets/1`, 'POST');
  // Each request has a new connection, so that both instances receive requests and send calls.
  for (let index = 0; index < 10; index += 1) {
    const { body } = await sendRequest(`${url}/user/users/1`, 'GET', undefined, { connection: 'close' });
    expect(body).toMatchObject({ pets: [{ name: 'Rex' }] });
  }
  child.kill('SIGTERM');
  await ended;
  expect(output()).not.toContain('internal credential');
});
