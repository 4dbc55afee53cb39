import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'vitest';
import { createExampleApp, type ExampleAppOptions, type TestApp } from './app.ts';

/** A gateway that runs the user service and forwards /pet to a server of the test. */
interface Forwarding extends TestApp {
  /** The open connections of the gateway to that server. */
  readonly connections: ReadonlySet<Socket>;
}

/** In the background the user service compares the contract of pets, and reads their events. */
const background = /^\/pet\/(openapi\.json|events\?)/;

/** Starts a gateway that forwards /pet to an HTTP server of the test. */
export async function forwardTo(
  t: TestContext,
  handle: RequestListener,
  config: Record<string, unknown> = {},
  options: ExampleAppOptions = {},
): Promise<Forwarding> {
  const server = createServer((request, response) => {
    if (background.test(request.url as string)) response.writeHead(404).end();
    else handle(request, response);
  });
  return start(t, server, config, options);
}

/** The same with a TCP server: `handle` gets the connection after each complete request head. */
export function forwardToBytes(
  t: TestContext,
  handle: (socket: Socket, head: string) => void,
  config: Record<string, unknown> = {},
): Promise<Forwarding> {
  const server = createNetServer((socket) => {
    let received = '';
    socket.setEncoding('latin1').on('error', () => {});
    socket.on('data', (text) => {
      received += text;
      if (!received.includes('\r\n\r\n')) return;
      const head = received;
      received = '';
      if (background.test(head.split(' ', 2)[1] as string)) socket.destroy();
      else handle(socket, head);
    });
  });
  return start(t, server, config, {});
}

async function start(
  t: TestContext,
  server: Server,
  config: Record<string, unknown>,
  options: ExampleAppOptions,
): Promise<Forwarding> {
  const { connections, apps } = await listen(t, server);
  return { ...(await createExampleApp(t, { ...options, config: { apps, ...config } })), connections };
}

/**
 * Starts a server in place of the app that runs the pet service. Returns `apps` for the config of a gateway that runs the
 * user service.
 */
export async function startPetServer(t: TestContext, handle: RequestListener) {
  return (await listen(t, createServer(handle))).apps;
}

/** Listens until the test ends. Returns the open connections, and the apps of a gateway that forwards /pet to the server. */
async function listen(t: TestContext, server: Server) {
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.onTestFinished(() => {
    server.close();
    for (const socket of connections) socket.destroy();
  });
  return { connections, apps: describeSplit((server.address() as AddressInfo).port) };
}

/** Describes the apps of a config in which the pet service runs at another port than the gateway. */
export function describeSplit(port: number) {
  return {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port, services: ['pet'] },
  };
}
