import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { main, root, run, startServer, writeConfig } from './helper.ts';

async function outcome(running: ReturnType<typeof run>) {
  const { code } = await running.ended;
  return { code, output: running.output() };
}

test.for([
  { args: ['--nope'], says: "Unknown option '--nope': see --help\n" },
  { args: ['--config', '/nowhere/config.yaml'], says: '/nowhere/config.yaml: there is no such file\n' },
  { args: ['--app', 'nope'], says: '--app nope: config.yaml has no such app (gateway)\n' },
])('ends with 2 and one line on $args', async ({ args, says }, t) => {
  expect(await outcome(run(t, process.execPath, [main, ...args]))).toEqual({ code: 2, output: says });
});

test('ends with 2 and one line on a bad value', async (t) => {
  const { file } = writeConfig(t, { port: 99999 });
  expect(await outcome(run(t, process.execPath, [main, '--config', file]))).toEqual({
    code: 2,
    output: 'config.yaml: apps.gateway.port must be an integer from 0 to 65535\n',
  });
});

test('ends with 1 and names the port and the key where the address is in use', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  const { file } = writeConfig(t, { port });
  const { code, output } = await outcome(run(t, process.execPath, [main, '--config', file]));
  expect(code).toBe(1);
  expect(output).toBe(`port ${port} of 127.0.0.1 is in use: change apps.gateway.port in ${file}\n`);
});

test('prints help and the version', async (t) => {
  const help = await outcome(run(t, process.execPath, [main, '--help']));
  expect(help).toMatchObject({ code: 0, output: expect.stringContaining('--config FILE') });
  const version = await outcome(run(t, process.execPath, [main, '--version']));
  expect(version).toMatchObject({ code: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test('takes values of the environment into the config', async (t) => {
  const { file } = writeConfig(t, { port: `"$\{MONOLITH_PORT:-99999}"` });
  await startServer(t, file, { MONOLITH_PORT: '0' });
});

test('shows lines readably on a terminal, in colour, with service and request', async (t) => {
  const { file } = writeConfig(t);
  // script(1) gives it a terminal.
  const command = `${process.execPath} ${main} --config ${file}`;
  const server = run(t, 'script', ['-qefc', command, '/dev/null'], { cwd: root });
  const [, url] = (await server.says(/gateway listens at (http:\/\/[\d.:]+)/)) as unknown as [string, string];
  await fetch(`${url}/pet/pets/7`, { headers: { 'x-request-id': 'abc' } });
  await server.says(/\[pet\] \(abc\) request GET \/pet\/pets\/7 404 [\d.]+ms/);
  expect(server.output()).not.toContain('{"level"');
});
