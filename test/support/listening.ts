import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TestContext } from 'vitest';

/** Starts a server on 127.0.0.1. It is closed with its connections when the test ends. Port 0: any free port. */
export async function startListening(t: Pick<TestContext, 'onTestFinished'>, server: Server, atPort = 0) {
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  await once(server.listen(atPort, '127.0.0.1'), 'listening');
  t.onTestFinished(() => {
    server.close();
    for (const socket of connections) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, connections: connections as ReadonlySet<Socket> };
}
