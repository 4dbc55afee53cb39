import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { expect, type TestContext, test } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { sendRequest } from '../../support/app.ts';
import { main, run, writeConfig } from '../process/helper.ts';

const connections = 500;
const users = 20;

/** How many files a process has open, and how many of them are sockets. */
function countFiles(pid: number): { all: number; sockets: number } {
  const folder = `/proc/${pid}/fd`;
  const links = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`);
    } catch {
      // Closed in between.
      return '';
    }
  });
  const files = links.filter((file) => file !== '');
  return { all: files.length, sockets: files.filter((file) => file.startsWith('socket:')).length };
}

const others = ({ all, sockets }: ReturnType<typeof countFiles>) => all - sockets;

/** Each connection asks so many times, one after the other, all connections at once; resolves with the answers. */
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
  // However busy the machine is: this is about connections.
  // A machine that is busy with other tests would shed some of them.
  const { file } = writeConfig(t, { extra: 'calls: { deadline: 20000 }\nlimits: { wait: 60000 }\n' });
  const { child, says } = run(t, command, [...args, process.execPath, main, '--config', file]);
  const [, url] = (await says(/gateway listens at (http:[^"\s]+)/)) as unknown as [string, string];
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
  ['as many files as it likes', 'env', []],
  // The shell is replaced by the server, which so has its limit, and its process id.
  ['1,024 files at most', 'bash', ['-c', 'ulimit -n 1024 && exec "$@"', 'bash']],
] as const)(
  'answers 500 connections, each of which needs another service, with %s',
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
    // As before, but for the connections that it keeps to itself: 32 at most, each with two ends.
    const kept = 2 * 32;
    const leftOver = () => countFiles(pid).sockets - before.sockets;
    await expect.poll(leftOver, { timeout: 10_000, interval: 50 }).toBeLessThanOrEqual(kept);
    expect(others(countFiles(pid))).toBe(others(before));
  },
);

/** How many connections this system lets wait for anybody. */
const bound = '/proc/sys/net/core/somaxconn';
const room = existsSync(bound) ? Number(readFileSync(bound, 'utf8')) : 0;

test.skipIf(room < 1_000)('lets 1,000 connections wait that come at once while it is busy', async (t) => {
  const { url, pid } = await start(t, 'env', []);
  const { port, hostname } = new URL(url);
  // It accepts none, as while it works; a connection that finds no room would be tried again, and in vain, each second.
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

test.skipIf(room < 1_000)(
  'calls its own services on connections that it has, not behind those that wait',
  async (t) => {
    const { url, pid } = await start(t, 'env', []);
    const { port, hostname } = new URL(url);
    const open = async () => {
      const socket = connect(Number(port), hostname);
      t.onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      return socket;
    };
    const ask = (socket: Socket, path: string) => {
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      return once(socket, 'data').then(([data]) => expect(String(data)).toMatch(/^HTTP\/1.1 200 /));
    };
    const client = await open();
    await ask(client, '/user/users/1');
    // As long as apps that hand over to another let a connection be unused, and longer.
    await sleep(2 * internalLimits.unusedMs);
    process.kill(pid, 'SIGSTOP');
    t.onTestFinished(() => void process.kill(pid, 'SIGCONT'));
    const waiting = await Promise.all(Array.from({ length: 1_000 }, open));
    let answered = 0;
    const rest = waiting.map((socket) => ask(socket, '/health').then(() => (answered += 1)));
    const first = ask(client, '/user/users/1').then(() => expect(answered).toBeLessThan(500));
    process.kill(pid, 'SIGCONT');
    await Promise.all([first, ...rest]);
  },
);
