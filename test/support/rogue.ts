import { createServer, type RequestListener } from 'node:http';
import { createServer as createNetServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'vitest';
import { createExampleApp, type ExampleAppOptions, type TestApp } from './app.ts';
import { startListening } from './listening.ts';

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
  const { connections, port } = await startListening(t, server);
  const apps = describeSplit(port);
  return { ...(await createExampleApp(t, { ...options, config: { apps, ...config } })), connections };
}

/**
 * Starts a server in place of the app that runs the pet service. Returns `apps` for the config of a gateway that runs the
 * user service.
 */
export async function startPetServer(t: TestContext, handle: RequestListener) {
  return describeSplit((await startListening(t, createServer(handle))).port);
}

/** Describes the apps of a config in which the pet service runs at another port than the gateway. */
export function describeSplit(port: number) {
  return {
    gateway: { port: 0, url: 'http://127.0.0.1:1', services: ['user'] },
    pets: { port, services: ['pet'] },
  };
}
