import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { parse } from 'yaml';
import { findFreePort, sendRequest } from '../../support/app.ts';
import { startListening } from '../../support/listening.ts';
import { waitFor } from '../groupings/helper.ts';
import { childrenOf, isAlive, waitForEnd } from '../process/children.ts';
import { copyProject, main, root, startProcess, writeConfig } from '../process/helper.ts';

async function splitConfig(): Promise<string> {
  const [gateway, pet, user] = [await findFreePort(), await findFreePort(), await findFreePort()];
  return `services: { pet: { database: "sqlite::memory:" }, user: { database: "sqlite::memory:" } }
apps:
  gateway: { port: ${gateway}, services: [] }
  pet: { port: ${pet}, services: [pet] }
  user: { port: ${user}, services: [user] }
`;
}

test('config.split.yaml differs from config.yaml only in its apps', () => {
  const [one, split] = ['config.yaml', 'config.split.yaml'].map((name) =>
    parse(readFileSync(join(root, name), 'utf8')),
  );
  expect({ ...split, apps: one.apps }).toEqual(one);
  expect(split.apps).toEqual({
    gateway: { host: '127.0.0.1', port: 8000, services: [] },
    pet: { host: '127.0.0.1', port: 8001, services: ['pet'] },
    user: { host: '127.0.0.1', port: 8002, services: ['user'] },
  });
});

test('--all starts every app, prefixes its lines with its name, and stops all apps on Ctrl-C', async (t) => {
  const project = copyProject(t);
  const { file } = writeConfig(t);
  writeFileSync(file, await splitConfig());
  const all = startProcess(t, join(project, 'run.sh'), ['--all', '--config', file]);
  const listening = await Promise.all(
    ['gateway', 'pet', 'user'].map((name) =>
      all.waitForOutput(new RegExp(`\\[${name}\\] .*"url":"(http:[^"]+)","msg":"listening"`)),
    ),
  );
  const urls = listening.map(([, url]) => url as string);
  for (const url of urls) expect((await sendRequest(`${url}/health`, 'GET')).status).toBe(200);
  all.child.kill('SIGINT');
  expect((await all.ended).code).toBe(0);
  for (const url of urls) await expect(sendRequest(`${url}/health`, 'GET')).rejects.toThrow();
});

test('--all ends with one line if an app cannot start, and stops the others', async (t) => {
  const project = copyProject(t);
  const { file } = writeConfig(t);
  const config = await splitConfig();
  const port = /pet: { port: (\d+)/.exec(config)?.[1];
  await startListening(t, createServer(), Number(port));
  writeFileSync(file, config);
  const all = startProcess(t, join(project, 'run.sh'), ['--all', '--config', file]);
  expect((await all.ended).code).toBe(1);
  expect(all.output()).toContain(`port ${port} of 127.0.0.1 is in use: change apps.pet.port in ${file}`);
  expect(all.output()).toMatch(/^\[pet\] +pet ended with 1 before it listened: all apps are stopped$/m);
});

/** Starts `./run.sh --all` with three apps, and waits until all of them listen. */
async function startAll(t: TestContext) {
  const { file } = writeConfig(t);
  writeFileSync(file, await splitConfig());
  const all = startProcess(t, process.execPath, ['scripts/start-all.ts', '--config', file], { cwd: root });
  const names = ['gateway', 'pet', 'user'];
  const listening = await Promise.all(
    names.map((name) =>
      all.waitForOutput(new RegExp(`\\[${name}\\] .*"url":"(http:[^"]+)","msg":"listening"`)),
    ),
  );
  const pids = childrenOf(all.child.pid);
  const commands = new Map(pids.map((pid) => [pid, readFileSync(`/proc/${pid}/cmdline`, 'utf8')]));
  const pidOf = (name: string) => pids.find((pid) => commands.get(pid)?.includes(`--app\0${name}`)) as number;
  return { ...all, pids, pidOf, urls: listening.map(([, url]) => url as string) };
}

test.skipIf(!existsSync('/proc/self'))(
  '--all restarts an app that dies, and the other apps keep running',
  {
    timeout: 60_000,
  },
  async (t) => {
    const { child, ended, waitForOutput, urls, pids, pidOf } = await startAll(t);
    const [gateway, pet] = urls as [string, string];
    for (const pause of [1, 2]) {
      const pid =
        pause === 1 ? pidOf('pet') : (childrenOf(child.pid).find((pid) => !pids.includes(pid)) as number);
      process.kill(pid, 'SIGKILL');
      await waitForOutput(new RegExp(`\\[pet\\] +pet ended with SIGKILL: it starts again in ${pause} s`));
      expect((await sendRequest(`${gateway}/user/health`, 'GET')).status).toBe(200);
      await waitFor(() =>
        sendRequest(`${pet}/health`, 'GET').then(
          ({ status }) => status === 200,
          () => false,
        ),
      );
    }
    expect(childrenOf(child.pid)).toEqual(expect.arrayContaining([pidOf('gateway'), pidOf('user')]));
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
  },
);

test.skipIf(!existsSync('/proc/self'))('the apps end when --all is killed', async (t) => {
  const { child, pids } = await startAll(t);
  expect(pids).toHaveLength(3);
  child.kill('SIGKILL');
  await waitForEnd(pids);
});

test.skipIf(!existsSync('/proc/self'))(
  'a second Ctrl-C of --all kills an app that does not end',
  async (t) => {
    const { child, ended, pids } = await startAll(t);
    process.kill(pids[0] as number, 'SIGSTOP');
    child.kill('SIGINT');
    await waitFor(() => pids.filter(isAlive).length === 1);
    child.kill('SIGINT');
    expect((await ended).code).toBe(1);
    await waitForEnd(pids);
  },
);

test('an app starts without its peers: it reports them as degraded, and serves requests that do not need them', async (t) => {
  const { file } = writeConfig(t);
  writeFileSync(file, await splitConfig());
  const user = startProcess(t, process.execPath, [main, '--config', file, '--app', 'user']);
  const [, url] = (await user.waitForOutput(/"url":"(http:[^"]+)","msg":"listening"/)) as unknown as [
    string,
    string,
  ];
  expect((await sendRequest(`${url}/user/health`, 'GET')).body).toEqual({ status: 'OK' });
  expect(await sendRequest(`${url}/user/ready`, 'GET')).toMatchObject({
    status: 200,
    body: { status: 'OK', checks: { database: 'OK', pet: 'unreachable' }, degraded: ['pet'] },
  });
  expect((await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' })).body).toEqual({
    name: 'Alice',
    id: 1,
    pets: [],
  });
  expect((await sendRequest(`${url}/user/users/1`, 'GET')).status).toBe(200);
  expect((await sendRequest(`${url}/user/users/1/pets/1`, 'POST')).status).toBe(503);
  expect((await sendRequest(`${url}/user/users/1`, 'DELETE')).status).toBe(200);
  expect((await sendRequest(`${url}/pet/pets/`, 'GET')).status).toBe(404);
});

test('two instances share the port, and one that dies is replaced', async (t) => {
  const port = await findFreePort();
  const { file } = writeConfig(t, { port, instances: 2 });
  const server = startProcess(t, process.execPath, [main, '--config', file]);
  await server.waitForOutput(/"instances":2,"msg":"the instances share the port/);
  const url = `http://127.0.0.1:${port}`;
  expect((await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' })).status).toBe(200);
  const responses = await Promise.all(
    Array.from({ length: 20 }, () =>
      sendRequest(`${url}/pet/pets/1`, 'GET', undefined, { connection: 'close' }),
    ),
  );
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
  server.child.kill('SIGHUP');
  await server.waitForOutput(/instance replaced[\s\S]*instance replaced/);
  expect((await sendRequest(`${url}/pet/pets/1`, 'GET')).status).toBe(200);
  server.child.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
});

test('instances that cannot start end with one line that names the cause', async (t) => {
  const { port } = await startListening(t, createServer());
  const { file } = writeConfig(t, { port, instances: 2 });
  const server = startProcess(t, process.execPath, [main, '--config', file]);
  expect((await server.ended).code).toBe(1);
  expect(server.output()).toContain(
    `port ${port} of 127.0.0.1 is in use: change apps.gateway.port in ${file}`,
  );
});
