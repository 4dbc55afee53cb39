import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { stopListening } from '../../../src/framework/http/stop-listening.ts';
import { startListening } from '../../support/listening.ts';

test('stopListening refuses new connections and keeps idle ones open', async (t) => {
  const server = createServer((_request, response) => void response.end('ok'));
  const { port } = await startListening(t, server);
  const idle = connect(port, '127.0.0.1');
  t.onTestFinished(() => void idle.destroy());
  const exchange = async () => {
    idle.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    return String((await once(idle, 'data'))[0]);
  };
  await exchange();

  stopListening(server);
  const isRefused = await new Promise((resolve) => {
    const late = connect(port, '127.0.0.1');
    late.once('connect', () => resolve(false)).once('error', () => resolve(true));
  });
  expect(isRefused, 'net.Server.close of this Node still accepts connections of an http.Server').toBe(true);
  // If Node closed idle connections, it would do so in the same turn, and the socket would know after this time.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(
    idle.readyState,
    'net.Server.close of this Node closes idle HTTP connections: see stop-listening.ts',
  ).toBe('open');
  expect(await exchange()).toMatch(/^HTTP\/1\.1 200 /);
});
