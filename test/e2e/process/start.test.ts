import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { startListening } from '../../support/listening.ts';
import { main, root, startProcess, startServer, writeConfig } from './helper.ts';

/** Resolves with the exit code of a process, and its output without the JSON lines of its log. */
async function outcome(running: ReturnType<typeof startProcess>) {
  const { code } = await running.ended;
  return { code, output: running.output().replace(/^\{.*\n/gm, '') };
}

test.for([
  { args: ['--nope'], message: 'Unknown option --nope: see --help\n' },
  { args: ['--config', '/nowhere/config.yaml'], message: '/nowhere/config.yaml: there is no such file\n' },
  ...['nope', 'constructor', 'toString', '__proto__'].map((name) => ({
    args: ['--app', name],
    message: `Unknown app ${name}: the apps of config.yaml are gateway\n`,
  })),
])('ends with 2 and one line on $args', async ({ args, message }, t) => {
  expect(await outcome(startProcess(t, process.execPath, [main, ...args]))).toEqual({
    code: 2,
    output: message,
  });
});

test('ends with 2 and one line on a bad value', async (t) => {
  const { file } = writeConfig(t, { port: 99999 });
  expect(await outcome(startProcess(t, process.execPath, [main, '--config', file]))).toEqual({
    code: 2,
    output: 'config.yaml: apps.gateway.port must be an integer from 0 to 65535\n',
  });
});

test.for([
  ['an unknown host', 'nope.invalid'],
  ['the address of another machine', '192.0.2.1'],
  ['an invalid address', '1.2.3.4.5'],
  ['a variable whose value names a variable', '"${A}"'],
])('ends with 2 and one line on %s', async ([, host], t) => {
  const { file } = writeConfig(t, { host, extra: 'auth: false\n' });
  const { code, output } = await outcome(
    startProcess(t, process.execPath, [main, '--config', file], { env: { A: '${B}' } }),
  );
  expect(output).toMatch(
    /^config\.yaml: apps\.gateway\.host: \S+ is not an address of this machine \(\w+\)\n$/,
  );
  expect(code).toBe(2);
});

const proc = existsSync('/proc/self')
  ? [['a folder that cannot be created', '/proc/x', 'cannot be created (ENOENT)']]
  : [];
test.for([
  ['a file', 'file', 'is not a folder (EEXIST)'],
  ['a folder in a file', 'file/logs', 'is not in a folder (ENOTDIR)'],
  ...proc,
])('ends with 2 and one line if the folder of the log is %s', async ([, directory, reason], t) => {
  const { folder, file } = writeConfig(t, { logs: directory as string });
  writeFileSync(join(folder, 'file'), '');
  const { code, output } = await outcome(startProcess(t, process.execPath, [main, '--config', file]));
  expect(output).toBe(`config.yaml: log.directory: ${resolve(folder, directory as string)} ${reason}\n`);
  expect(code).toBe(2);
});

test('ends with 2 and one line if the log cannot be written', async (t) => {
  const { folder, file } = writeConfig(t, { logs: 'logs' });
  // A folder in place of the file, because even root cannot write to a folder.
  mkdirSync(join(folder, 'logs/gateway.jsonl'), { recursive: true });
  const { code, output } = await outcome(startProcess(t, process.execPath, [main, '--config', file]));
  expect(output).toMatch(
    /^config\.yaml: log\.directory: \S+ contains a folder with the name of the log file \(EISDIR\)\n$/,
  );
  expect(code).toBe(2);
});

test('ends with 2 and one line if a service calls a peer that no app runs', async (t) => {
  const { file } = writeConfig(t);
  const complete = readFileSync(file, 'utf8');
  writeFileSync(file, complete.replace(/^ {2}pet: .*\n/m, '').replace('[pet, user]', '[user]'));
  const { code, output } = await outcome(startProcess(t, process.execPath, [main, '--config', file]));
  expect(code).toBe(2);
  // It may have logged its migrations.
  expect(output.split('\n').filter((line) => !line.startsWith('{'))).toEqual([
    'config.yaml: user calls pet, which no app runs: add pet to services and to the services of an app',
    '',
  ]);
});

test.skipIf(proc.length === 0)(
  'ends with 1 and one line if the folder of a database cannot be created',
  async (t) => {
    const { file } = writeConfig(t);
    writeFileSync(file, readFileSync(file, 'utf8').replace('sqlite:data/pet.db', 'sqlite:/proc/x/pet.db'));
    const { code, output } = await outcome(startProcess(t, process.execPath, [main, '--config', file]));
    expect(output).toMatch(/^database \/proc\/x\/pet\.db: .*\n$/);
    expect(code).toBe(1);
  },
);

test('ends with 1 and names the port and the config key if the address is in use', async (t) => {
  const { port } = await startListening(t, createServer());
  const { file } = writeConfig(t, { port });
  const { code, output } = await outcome(startProcess(t, process.execPath, [main, '--config', file]));
  expect(code).toBe(1);
  expect(output).toBe(`port ${port} of 127.0.0.1 is in use: change apps.gateway.port in ${file}\n`);
});

test('prints help and the version', async (t) => {
  const help = await outcome(startProcess(t, process.execPath, [main, '--help']));
  expect(help).toMatchObject({ code: 0, output: expect.stringContaining('--config FILE') });
  const version = await outcome(startProcess(t, process.execPath, [main, '--version']));
  expect(version).toMatchObject({ code: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test('replaces variables in the config with values of the environment', async (t) => {
  const { file } = writeConfig(t, { port: `"$\{MONOLITH_PORT:-99999}"` });
  await startServer(t, file, { MONOLITH_PORT: '0' });
});

test('prints readable log lines in colour, with service and request, on a terminal', async (t) => {
  const { file } = writeConfig(t);
  // script(1) provides a terminal.
  const command = `${process.execPath} ${main} --config ${file}`;
  const server = startProcess(t, 'script', ['-qefc', command, '/dev/null'], { cwd: root });
  const [, url] = (await server.waitForOutput(/\[gateway\] listening at (http:\/\/[\d.:]+)/)) as unknown as [
    string,
    string,
  ];
  await fetch(`${url}/pet/pets/7`, { headers: { 'x-request-id': 'abc' } });
  await server.waitForOutput(/\[pet\] \(abc\) request GET \/pet\/pets\/7 404 [\d.]+ms/);
  expect(server.output()).not.toContain('{"level"');
});
