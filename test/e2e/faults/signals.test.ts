import { existsSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import { sendRequest } from '../../support/app.ts';
import { waitFor } from '../groupings/helper.ts';
import { childrenOf, waitForEnd } from '../process/children.ts';
import {
  main,
  root,
  sendHalf,
  startProcess,
  startServer,
  type TestProcess,
  writeConfig,
} from '../process/helper.ts';

/** Waits until a process has opened a file. */
async function waitForOpen({ child }: TestProcess, file: string): Promise<void> {
  const folder = `/proc/${child.pid}/fd`;
  const hasOpened = (descriptor: string) => {
    try {
      return readlinkSync(join(folder, descriptor)) === file;
    } catch {
      return false; // It is already closed.
    }
  };
  await waitFor(() => readdirSync(folder).some(hasOpened));
}

describe('SIGHUP with one instance', () => {
  test('is ignored, with a log entry, if there is no terminal', async (t) => {
    const { file } = writeConfig(t);
    const { child, ended, url, waitForOutput } = await startServer(t, file);
    const half = await sendHalf(url);
    child.kill('SIGHUP');
    await waitForOutput(/"level":"warn".*SIGHUP ignored: one instance cannot be replaced without an outage/);
    expect((await half.finish()).status).toBe(200);
    expect((await sendRequest(`${url}/pet/pets/1`, 'GET')).status).toBe(200);
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  test('stops a server whose terminal was closed, after the requests in flight', async (t) => {
    const { file } = writeConfig(t);
    // script(1) provides a terminal.
    const command = `exec ${process.execPath} ${main} --config ${file}`;
    const server = startProcess(t, 'script', ['-qefc', command, '/dev/null'], { cwd: root });
    const [, url] = (await server.waitForOutput(
      /\[gateway\] listening at (http:\/\/[\d.:]+)/,
    )) as unknown as [string, string];
    const [pid] = childrenOf(server.child.pid) as [number];
    const half = await sendHalf(url);
    process.kill(pid, 'SIGHUP');
    await server.waitForOutput(/\[gateway\] stopping/);
    expect((await half.finish()).status).toBe(200);
    expect((await server.ended).code).toBe(0);
  });
});

describe('a signal of a crash ends the process immediately, so that its supervisor restarts it', () => {
  test.for(['SIGBUS', 'SIGSEGV', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGABRT'] as const)(
    '%s',
    async (signal, t) => {
      const { file } = writeConfig(t);
      // Without a core file.
      const server = startProcess(t, 'sh', [
        '-c',
        'ulimit -c 0; exec "$0" "$@"',
        process.execPath,
        main,
        '--config',
        file,
      ]);
      await server.waitForOutput(/"msg":"listening"/);
      server.child.kill(signal);
      expect(await server.ended).toEqual({ code: null, signal });
    },
  );

  test('in an instance and in its parent', async (t) => {
    const { file } = writeConfig(t, { instances: 2 });
    const server = startProcess(t, 'sh', [
      '-c',
      'ulimit -c 0; exec "$0" "$@"',
      process.execPath,
      main,
      '--config',
      file,
    ]);
    await server.waitForOutput(/instances share the port/);
    const [first] = childrenOf(server.child.pid) as [number];
    process.kill(first, 'SIGBUS');
    await server.waitForOutput(/"signal":"SIGBUS","msg":"an instance ended by itself/);
    const rest = childrenOf(server.child.pid);
    server.child.kill('SIGSEGV');
    expect(await server.ended).toEqual({ code: null, signal: 'SIGSEGV' });
    await waitForEnd(rest);
  });
});

describe('SIGTERM during the start ends the process with 0', () => {
  test('while modules are imported', async (t) => {
    const { folder, file } = writeConfig(t);
    const env = {
      NODE_OPTIONS: `--import=${join(root, 'test/e2e/process/hold-import.ts')}`,
      HOLD_IMPORT: '/src/framework/app/graceful-stop.ts',
    };
    const server = startProcess(t, process.execPath, [main, '--config', file], { env });
    await server.waitForOutput(/^held$/m);
    server.child.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.output()).toBe('held\n');
    expect(readdirSync(folder)).toEqual(['config.yaml']);
  });

  test.skipIf(!existsSync('/proc/self/fd'))(
    'while a database is opened, and closes the database',
    async (t) => {
      const { folder, file } = writeConfig(t);
      const first = await startServer(t, file);
      first.child.kill('SIGTERM');
      await first.ended;

      const database = join(folder, 'data/pet.db');
      const other = new Client(database);
      t.onTestFinished(() => void other.close());
      other.exec('BEGIN IMMEDIATE');
      const server = startProcess(t, process.execPath, [main, '--config', file]);
      // The start waits here, because migrations need the lock.
      await waitForOpen(server, database);
      server.child.kill('SIGTERM');
      other.exec('COMMIT');
      other.close();
      expect(await server.ended).toEqual({ code: 0, signal: null });
      expect(server.output()).toContain('stopped');
      expect(server.output()).not.toContain('"msg":"listening"');
      expect(readdirSync(join(folder, 'data')).sort()).toEqual(['pet.db', 'user.db']);
    },
  );

  test('while instances start, and leaves no instance', async (t) => {
    const { file } = writeConfig(t, { instances: 2 });
    const server = startProcess(t, process.execPath, [main, '--config', file]);
    await waitFor(() => childrenOf(server.child.pid).length > 0);
    const instances = childrenOf(server.child.pid);
    server.child.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    await waitForEnd(instances);
    expect(server.output()).not.toMatch(/fatal|EPIPE|Error/);
  });

  test('while instances are replaced, and leaves no instance', async (t) => {
    const { file } = writeConfig(t, { instances: 2 });
    const server = startProcess(t, process.execPath, [main, '--config', file]);
    await server.waitForOutput(/instances share the port/);
    server.child.kill('SIGHUP');
    await waitFor(() => childrenOf(server.child.pid).length > 2);
    const instances = childrenOf(server.child.pid);
    server.child.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    await waitForEnd(instances);
    expect(server.output()).not.toMatch(/fatal|EPIPE|Error/);
  });
});

test('a broken database is reported in one line by several instances', async (t: TestContext) => {
  const { folder, file } = writeConfig(t, { instances: 2 });
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data/pet.db'), 'garbage '.repeat(999));
  const server = startProcess(t, process.execPath, [main, '--config', file]);
  expect((await server.ended).code).toBe(1);
  const output = server.output().replace(/^\{.*\n/gm, '');
  expect(output).toMatch(/^database \S+pet\.db: the file is not an SQLite database\. .*\n$/);
});
