import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { findFreePort, send } from '../helper.ts';
import { copyProject, main, root, run, writeConfig } from './helper.ts';

async function splitConfig(): Promise<string> {
  const [gateway, pet, user] = [await findFreePort(), await findFreePort(), await findFreePort()];
  return `services: { pet: { database: "sqlite::memory:" }, user: { database: "sqlite::memory:" } }
apps:
  gateway: { port: ${gateway}, services: [] }
  pet: { port: ${pet}, services: [pet] }
  user: { port: ${user}, services: [user] }
`;
}

test('config.split.yaml differs from config.yaml in its apps alone', () => {
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

test('--all starts every app, shows the lines of each with its name, and stops them all on Ctrl-C', async (t) => {
  const project = copyProject(t);
  const { file } = writeConfig(t);
  writeFileSync(file, await splitConfig());
  const all = run(t, join(project, 'run.sh'), ['--all', '--config', file]);
  const listening = await Promise.all(
    ['gateway', 'pet', 'user'].map((name) =>
      all.says(new RegExp(`\\[${name}\\] .*${name} listens at (http:[^"\\s]+)`)),
    ),
  );
  const urls = listening.map(([, url]) => url as string);
  for (const url of urls) expect((await send(`${url}/health`, 'GET')).status).toBe(200);
  all.child.kill('SIGINT');
  expect((await all.ended).code).toBe(0);
  for (const url of urls) await expect(send(`${url}/health`, 'GET')).rejects.toThrow();
});

test('--all ends with one clear line where an app fails, and stops the others', async (t) => {
  const project = copyProject(t);
  const { file } = writeConfig(t);
  const config = await splitConfig();
  const port = /pet: { port: (\d+)/.exec(config)?.[1];
  const taken = createServer().listen(Number(port), '127.0.0.1');
  t.onTestFinished(() => void taken.close());
  writeFileSync(file, config);
  const all = run(t, join(project, 'run.sh'), ['--all', '--config', file]);
  expect((await all.ended).code).toBe(1);
  expect(all.output()).toContain(`port ${port} of 127.0.0.1 is in use: change apps.pet.port in ${file}`);
  expect(all.output()).toMatch(/^pet ended with 1: all apps were stopped$/m);
});

test.for([
  { args: ['--all', '--app', 'pet'], says: 'run.sh: --all and --app do not go together\n' },
  { args: ['dev', '--all'], says: 'run.sh: --all does not go with dev\n' },
])('run.sh ends with 2 and one line on $args', async ({ args, says }, t) => {
  const running = run(t, join(root, 'run.sh'), args);
  expect((await running.ended).code).toBe(2);
  expect(running.output()).toBe(says);
});

test('an app starts alone: it names what is missing, and what needs nothing of it works', async (t) => {
  const { file } = writeConfig(t);
  writeFileSync(file, await splitConfig());
  const user = run(t, process.execPath, [main, '--config', file, '--app', 'user']);
  const [, url] = (await user.says(/user listens at (http:[^"\s]+)/)) as unknown as [string, string];
  expect((await send(`${url}/user/health`, 'GET')).body).toEqual({ status: 'OK' });
  expect(await send(`${url}/user/ready`, 'GET')).toMatchObject({
    status: 200,
    body: { status: 'OK', checks: { database: 'OK', pet: 'unreachable' }, degraded: ['pet'] },
  });
  expect((await send(`${url}/user/users/`, 'POST', { name: 'Alice' })).body).toEqual({
    name: 'Alice',
    id: 1,
    pets: [],
  });
  expect((await send(`${url}/user/users/1`, 'GET')).status).toBe(200);
  expect((await send(`${url}/user/users/1/pets/1`, 'POST')).status).toBe(503);
  expect((await send(`${url}/user/users/1`, 'DELETE')).status).toBe(200);
  expect((await send(`${url}/pet/pets/`, 'GET')).status).toBe(404);
});

test('two instances share the port, and one that dies is replaced', async (t) => {
  const { file } = writeConfig(t);
  const port = await findFreePort();
  writeFileSync(file, readFileSync(file, 'utf8').replace('{ port: 0,', `{ port: ${port}, instances: 2,`));
  const server = run(t, process.execPath, [main, '--config', file]);
  await server.says(/2 instances share the port/);
  const url = `http://127.0.0.1:${port}`;
  expect((await send(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' })).status).toBe(200);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => send(`${url}/pet/pets/1`, 'GET', undefined, { connection: 'close' })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  server.child.kill('SIGHUP');
  await server.says(/instance replaced[\s\S]*instance replaced/);
  expect((await send(`${url}/pet/pets/1`, 'GET')).status).toBe(200);
  server.child.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
});

test('instances that cannot start end with the one line of why', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.onTestFinished(() => void taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const { file } = writeConfig(t);
  writeFileSync(file, readFileSync(file, 'utf8').replace('{ port: 0,', `{ port: ${port}, instances: 2,`));
  const server = run(t, process.execPath, [main, '--config', file]);
  expect((await server.ended).code).toBe(1);
  expect(server.output()).toContain(
    `port ${port} of 127.0.0.1 is in use: change apps.gateway.port in ${file}`,
  );
});
