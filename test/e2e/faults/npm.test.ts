import { once } from 'node:events';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, type TestContext, test, vi } from 'vitest';
import { startProcess, writeConfig } from '../process/helper.ts';

// Each test starts several processes, which is slow while the cores are busy.
vi.setConfig({ testTimeout: 180_000 });

test.for(['start', 'dev'])(
  'npm run %s ends on SIGTERM to npm alone, and frees the port',
  { timeout: 90_000 },
  async (name, t) => {
    const { child, ended, finish, port, waitForOutput } = await startByNpm(t, name);
    child.kill('SIGTERM');
    await waitForOutput(/"signal":"SIGTERM","msg":"stopping"/);
    expect(await finish()).toContain('HTTP/1.1 200 OK');
    expect((await ended).code).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
  },
);

test.for(['start', 'dev'])(
  'npm run %s completes requests in flight on Ctrl-C, which npm forwards',
  { timeout: 90_000 },
  async (name, t) => {
    const { child, ended, finish, output, waitForOutput } = await startByNpm(t, name);
    // A terminal sends the signal to every process of the group.
    process.kill(-(child.pid as number), 'SIGINT');
    await waitForOutput(/"signal":"SIGINT","msg":"stopping"/);
    // npm also forwards its own signal, possibly a moment later.
    child.kill('SIGINT');
    await sleep(500);
    expect(await finish()).toContain('HTTP/1.1 200 OK');
    expect((await ended).code).toBe(0);
    expect(output()).not.toContain('second');
  },
);

/** Starts `npm run NAME`, and sends half a request. */
async function startByNpm(t: TestContext, name: string) {
  const { file } = writeConfig(t);
  // Use the Node of this process, because the installed one may be too old.
  const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const npm = startProcess(t, 'npm', ['run', name, '--', '--config', file], { env });
  const [, port] = await npm.waitForOutput(/"url":"http:\/\/127\.0\.0\.1:(\d+)","msg":"listening"/);
  const socket = connect(Number(port), '127.0.0.1');
  t.onTestFinished(() => void socket.destroy());
  let response = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    response += text;
  });
  const closed = once(socket, 'close');
  const body = '{"name":"Rex","species":"dog"}';
  const head = `POST /pet/pets/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  socket.write(`${head}\r\nexpect: 100-continue\r\n\r\n`);
  await expect.poll(() => response, { timeout: 20_000 }).toContain('100 Continue');
  return {
    ...npm,
    port: Number(port),
    /** Sends the rest of the request. Resolves with the response. */
    async finish() {
      socket.write(body);
      await closed;
      return response;
    },
  };
}
