import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { expect, type TestContext, test } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { sendRequest } from '../../support/app.ts';
import { main, startProcess, writeConfig } from '../process/helper.ts';

const connections = 500;
const users = 20;

/** Counts the open files of a process, and the sockets among them. */
function countFiles(pid: number): { all: number; sockets: number } {
  const folder = `/proc/${pid}/fd`;
  const links = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`);
    } catch {
      // The file was closed meanwhile.
      return '';
    }
  });
  const files = links.filter((file) => file !== '');
  return { all: files.length, sockets: files.filter((file) => file.startsWith('socket:')).length };
}

const others = ({ all, sockets }: ReturnType<typeof countFiles>) => all - sockets;

/** Sends `times` requests on each of all connections. Resolves with the wrong responses. */
async function load(url: string, times: number, onHundred = () => {}): Promise<string[]> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const bad: string[] = [];
  let count = 0;
  const clients = Array.from({ length: connections }, async (_, client) => {
    for (let time = 0; time < times; time += 1) {
      const path = `/user/users/${((client + time) % users) + 1}`;
      const { statusCode, body } = await pool.request({ path, method: 'GET' });
      const text = await body.text();
      const pets = statusCode === 200 ? JSON.parse(text).pets.length : 0;
      if (pets !== 3) bad.push(`${statusCode} ${text}`);
      count += 1;
      if (count % 100 === 0) onHundred();
    }
  });
  await Promise.all(clients);
  await pool.destroy();
  expect(count).toBe(connections * times);
  return bad;
}

async function start(t: TestContext, command: string, args: string[]) {
  // Long limits, because on a busy machine calls would time out and requests would be rejected.
  const { file } = writeConfig(t, { extra: 'calls: { deadline: 20000 }\nlimits: { wait: 60000 }\n' });
  const { child, waitForOutput } = startProcess(t, command, [
    ...args,
    process.execPath,
    main,
    '--config',
    file,
  ]);
  const [, url] = (await waitForOutput(/"url":"(http:[^"]+)","msg":"listening"/)) as unknown as [
    string,
    string,
  ];
  for (let pet = 1; pet <= 3; pet += 1)
    await sendRequest(`${url}/pet/pets/`, 'POST', { name: `${pet}`, species: 'dog' });
  for (let user = 1; user <= users; user += 1) {
    await sendRequest(`${url}/user/users/`, 'POST', { name: `${user}` });
    const { status } = await sendRequest(`${url}/user/users/${user}`, 'PATCH', { pets_ids: [1, 2, 3] });
    expect(status).toBe(200);
  }
  return { url, pid: child.pid as number };
}

test.for([
  ['unlimited files', 'env', []],
  // `exec` replaces the shell, so that the server has its limit and its process id.
  ['at most 1,024 files', 'bash', ['-c', 'ulimit -n 1024 && exec "$@"', 'bash']],
] as const)(
  'responds on 500 connections whose requests need another service, with %s',
  { timeout: 60_000 },
  async ([, command, args], t) => {
    const { url, pid } = await start(t, command, [...args]);
    const hasFiles = existsSync(`/proc/${pid}/fd`);
    if (hasFiles && command === 'bash')
      expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max open files +1024 +1024 /m);
    const before = hasFiles ? countFiles(pid) : undefined;
    let during = 0;
    const bad = await load(url, 4, () => {
      if (hasFiles) during = Math.max(during, countFiles(pid).sockets);
    });
    expect(bad).toEqual([]);
    if (before === undefined) return;
    expect(during).toBeGreaterThanOrEqual(connections);
    // The server keeps up to 32 connections to itself. Each is two sockets.
    const kept = 2 * 32;
    const leftOver = () => countFiles(pid).sockets - before.sockets;
    await expect.poll(leftOver, { timeout: 10_000, interval: 50 }).toBeLessThanOrEqual(kept);
    expect(others(countFiles(pid))).toBe(others(before));
  },
);

/** The length of the accept queue on this system. */
const bound = '/proc/sys/net/core/somaxconn';
const room = existsSync(bound) ? Number(readFileSync(bound, 'utf8')) : 0;

test.skipIf(room < 1_000)('queues 1,000 connections that arrive while it is busy', async (t) => {
  const { url, pid } = await start(t, 'env', []);
  const { port, hostname } = new URL(url);
  // A suspended server accepts no connection. The kernel would retry a connection without a place in the queue each second.
  process.kill(pid, 'SIGSTOP');
  t.onTestFinished(() => void process.kill(pid, 'SIGCONT'));
  const sockets = Array.from({ length: 1_000 }, () => connect(Number(port), hostname));
  t.onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  process.kill(pid, 'SIGCONT');
  expect((await sendRequest(`${url}/user/users/1`, 'GET')).status).toBe(200);
});

test.skipIf(room < 1_000)('calls its own services on open connections, not behind queued ones', async (t) => {
  const { url, pid } = await start(t, 'env', []);
  const { port, hostname } = new URL(url);
  const open = async () => {
    const socket = connect(Number(port), hostname);
    t.onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  const send = (socket: Socket, path: string) => {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    return once(socket, 'data').then(([data]) => expect(String(data)).toMatch(/^HTTP\/1.1 200 /));
  };
  const client = await open();
  await send(client, '/user/users/1');
  // Longer than an unused connection to another app stays open.
  await sleep(2 * internalLimits.unusedMs);
  process.kill(pid, 'SIGSTOP');
  t.onTestFinished(() => void process.kill(pid, 'SIGCONT'));
  const waiting = await Promise.all(Array.from({ length: 1_000 }, open));
  let responses = 0;
  const rest = waiting.map((socket) => send(socket, '/health').then(() => (responses += 1)));
  const first = send(client, '/user/users/1').then(() => expect(responses).toBeLessThan(500));
  process.kill(pid, 'SIGCONT');
  await Promise.all([first, ...rest]);
});
