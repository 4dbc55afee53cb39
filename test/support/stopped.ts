import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { spawnForTest } from './process-guard.ts';

/**
 * Starts a process that listens, suspends it and fills its backlog, so that the kernel drops further connections.
 * @returns its port.
 */
export async function listenAndStop(t: TestContext): Promise<number> {
  const script = `const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
    () => process.send(s.address().port))`;
  const child = spawnForTest(t, process.execPath, ['-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(child, 'message')) as [number];
  child.kill('SIGSTOP');
  for (let count = 0; count < 8; count += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    t.onTestFinished(() => void socket.destroy());
  }
  await sleep(200);
  return port;
}
