import type { TestContext } from 'vitest';
import { startProcess } from '../../process/helper.ts';

/** Prints for each `host:port` whether a connection is accepted: `open`, or the error. */
const connectScript = `
const { connect } = require('node:net');
for (const target of process.argv.slice(1)) {
  const [host, port] = target.split(':');
  const socket = connect({ host, port, timeout: 30_000 });
  const done = (outcome) => { console.log(target + ': ' + outcome); socket.destroy(); };
  socket.once('connect', () => done('open')).once('timeout', () => done('timeout')).once('error', ({ code }) => done(code));
}`;

/** Tries to connect to each `host:port` from a network namespace. */
export async function connectFrom(
  t: TestContext,
  namespace: string,
  targets: readonly string[],
): Promise<string[]> {
  const command = [process.execPath, '-e', connectScript, ...targets];
  const { ended, output } = startProcess(t, 'ip', ['netns', 'exec', namespace, ...command]);
  await ended;
  return output().trim().split('\n').sort();
}

/** Passes each connection on, as a load balancer does that knows nothing of HTTP. */
const forwardScript = `
const { connect, createServer } = require('node:net');
const [port, host, to] = process.argv.slice(1);
createServer({ allowHalfOpen: true }, (client) => {
  const server = connect({ host, port: to, allowHalfOpen: true });
  for (const [one, other] of [[client, server], [server, client]])
    one.on('error', () => {}).once('close', () => other.destroySoon()).pipe(other);
}).listen(Number(port), () => console.log('forwards'));`;

/** Passes connections to a port of a network namespace on to a server that the namespace reaches. */
export async function forward(
  t: TestContext,
  namespace: string,
  port: number,
  host: string,
  to: number,
): Promise<void> {
  const command = [process.execPath, '-e', forwardScript, String(port), host, String(to)];
  await startProcess(t, 'ip', ['netns', 'exec', namespace, ...command]).waitForOutput(/forwards/);
}
