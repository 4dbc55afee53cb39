import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { findFreePort, sendRequest } from '../../support/app.ts';
import { spawnForTest } from '../../support/process-guard.ts';
import { waitFor } from '../groupings/helper.ts';
import { main, root, writeConfig } from '../process/helper.ts';

/** Starts the server with this standard output, and waits until it responds. */
async function start(t: TestContext, output: 'pipe' | number, args: readonly string[]) {
  const port = await findFreePort();
  const { folder, file } = writeConfig(t, { port });
  const child = spawnForTest(t, process.execPath, [main, '--config', file, ...args], {
    cwd: root,
    stdio: ['ignore', output, 'ignore'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  const url = `http://127.0.0.1:${port}`;
  const isUp = () =>
    sendRequest(`${url}/health`, 'GET').then(
      ({ status }) => status === 200,
      () => false,
    );
  await expect.poll(isUp, { timeout: 25_000 }).toBe(true);
  const log = () => readFileSync(join(folder, 'logs/gateway.jsonl'), 'utf8');
  return { child, ended, url, log };
}

/** Sends enough requests to fill a pipe with log entries several times. */
async function sendMany(url: string): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const responses = await Promise.all(
      Array.from({ length: 100 }, () => sendRequest(`${url}/pet/pets/`, 'GET')),
    );
    // On a busy machine the server rejects some of them.
    expect(responses.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
  }
}

async function stop({ child, ended }: Awaited<ReturnType<typeof start>>): Promise<void> {
  child.kill('SIGTERM');
  expect(await ended).toEqual({ code: 0, signal: null });
}

describe.for([
  ['JSON', []],
  ['readable', ['--pretty']],
] as const)(
  'with %s lines on the console, the server serves, logs to its file and ends on SIGTERM,',
  ([, args]) => {
    test.skipIf(!existsSync('/dev/full'))('when the disk of the console is full', async (t) => {
      const full = openSync('/dev/full', 'w');
      t.onTestFinished(() => closeSync(full));
      const server = await start(t, full, args);
      await sendMany(server.url);
      await waitFor(() => server.log().includes('"msg":"the console cannot be written"'));
      expect(server.log()).toContain('ENOSPC');
      await stop(server);
      expect(server.log()).toContain('"msg":"stopped"');
    });

    test('when the reader of the console has ended', async (t) => {
      const server = await start(t, 'pipe', args);
      server.child.stdout?.destroy();
      await sendMany(server.url);
      await waitFor(() => server.log().includes('"msg":"the console cannot be written"'));
      expect(server.log()).toContain('EPIPE');
      await stop(server);
      expect(server.log()).toContain('"msg":"stopped"');
    });

    test('when nothing reads the console', async (t) => {
      const server = await start(t, 'pipe', args);
      await sendMany(server.url);
      await stop(server);
      expect(server.log()).toContain('"msg":"stopped"');
      // The pipe has complete lines only.
      let text = '';
      for await (const part of server.child.stdout ?? []) text += part;
      expect(text.length).toBeGreaterThan(50_000);
      if (args.length === 0) for (const line of text.split('\n').slice(0, -1)) JSON.parse(line);
    });
  },
);

test.skipIf(!existsSync('/dev/full'))('a logger without a context does not stop a process', async (t) => {
  const full = openSync('/dev/full', 'w');
  t.onTestFinished(() => closeSync(full));
  const logger = JSON.stringify(new URL('../../../src/framework/logging/logger.ts', import.meta.url).href);
  const script = `
    import { setTimeout as sleep } from 'node:timers/promises';
    const { getLogger } = await import(${logger});
    for (let index = 0; index < 100; index += 1) getLogger().info('x');
    await sleep(100);
    process.exit(7);`;
  const child = spawnForTest(t, process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    stdio: ['ignore', full, 'ignore'],
  });
  expect((await once(child, 'exit'))[0]).toBe(7);
});
