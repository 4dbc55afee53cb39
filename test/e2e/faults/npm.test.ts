import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, type TestContext, test, vi } from 'vitest';
import { run, writeConfig } from '../process/helper.ts';

// Each starts several processes, which take long while other work keeps both cores busy.
vi.setConfig({ testTimeout: 180_000 });

test.for(['start', 'dev'])(
  'npm run %s ends on SIGTERM to npm alone, and frees the port',
  { timeout: 90_000 },
  async (name, t) => {
    const { child, ended, finish, port, says } = await startByNpm(t, name);
    child.kill('SIGTERM');
    await says(/stopping on SIGTERM/);
    expect(await finish()).toContain('HTTP/1.1 200 OK');
    expect((await ended).code).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
  },
);

test.for(['start', 'dev'])(
  'npm run %s answers what is in flight on Ctrl-C, which npm passes on',
  { timeout: 90_000 },
  async (name, t) => {
    const { child, ended, finish, output, says } = await startByNpm(t, name);
    // As a terminal does: to every process of the group.
    killGroup(child, 'SIGINT');
    await says(/stopping on SIGINT/);
    // npm passes on what it gets itself, which may be a moment later.
    child.kill('SIGINT');
    await sleep(500);
    expect(await finish()).toContain('HTTP/1.1 200 OK');
    expect((await ended).code).toBe(0);
    expect(output()).not.toContain('second');
  },
);

/** Starts `npm run NAME` in a process group of its own, and sends half a request. */
async function startByNpm(t: TestContext, name: string) {
  const { file } = writeConfig(t);
  // By the Node of this process, as the one of the machine may be too old.
  const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const npm = run(t, 'npm', ['run', name, '--', '--config', file], { env, detached: true });
  t.onTestFinished(() => killGroup(npm.child, 'SIGKILL'));
  const [, port] = await npm.says(/gateway listens at http:\/\/127\.0\.0\.1:(\d+)/);
  const socket = connect(Number(port), '127.0.0.1');
  t.onTestFinished(() => void socket.destroy());
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  const closed = once(socket, 'close');
  const body = '{"name":"Rex","species":"dog"}';
  const head = `POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  socket.write(`${head}\r\nexpect: 100-continue\r\n\r\n`);
  await expect.poll(() => answer, { timeout: 20_000 }).toContain('100 Continue');
  return {
    ...npm,
    port: Number(port),
    /** Sends the rest; resolves with the response. */
    async finish() {
      socket.write(body);
      await closed;
      return answer;
    },
  };
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-(pid as number), signal);
  } catch {
    // All of it has ended.
  }
}
