import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { internalLimits } from '../config/limits.ts';
import { drainingHeader, notHandled } from '../context/propagation.ts';
import { ServiceUnavailable } from '../errors/problem.ts';
import { closeAfter } from './protocol/strict-http.ts';
import { stopListening } from './stop-listening.ts';

/**
 * How a server stops. `refuse`: the server still listens, because requests in flight may call it, and rejects requests
 * from outside with 503. `hand over`: another process accepts new connections. This process serves requests on its old
 * connections, and closes each connection with its response.
 */
type DrainMode = 'refuse' | 'hand over';

/** The requests that count as requests of other apps: see `callersOf`. */
export type Callers = 'none' | 'credential' | 'all';

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether the server is stopping. */
    readonly isDraining: () => boolean;
    /** Resolves when every request in flight has its response. After that, every request is rejected. */
    readonly drain: (mode: DrainMode) => Promise<void>;
  }
}

/** Stops a server without failing a request. */
export const drain = fp<{ readonly callers?: Callers }>(
  async (app, { callers = 'none' }) => {
    let draining: 'callers leave' | DrainMode | 'drained' | undefined;
    /** The time of the last request of another app since the server began to stop. */
    let calledAt = 0;

    const isCaller = (request: FastifyRequest) =>
      callers === 'all' || (callers === 'credential' && request.caller !== undefined);

    app.decorate('isDraining', () => draining !== undefined);
    app.decorate('drain', async (mode) => {
      draining = mode;
      closeAfter(app.inFlight.map(({ reply }) => reply));
      if (mode === 'hand over') await releaseConnections(app.server);
      else if (callers !== 'none') {
        draining = 'callers leave';
        calledAt = performance.now();
        for (const { request, reply } of app.inFlight)
          if (isCaller(request)) reply.header(drainingHeader, '1');
        await releaseCallers(app, () => calledAt);
        draining = mode;
      }
      await app.untilIdle();
      // The databases and the connections to peers are about to be closed.
      draining = 'drained';
    });

    app.addHook('onRequest', (request, reply, done) => {
      if (draining === undefined) return done();
      reply.header('connection', 'close');
      const isLeaving = draining === 'callers leave' && isCaller(request);
      if (isLeaving) reply.header(drainingHeader, '1');
      // A probe does not delay the stop.
      if (app.exemptPaths.has(request.url)) return done();
      // A poll for events does not delay the stop, because a consumer polls without a pause.
      if (isLeaving && request.routeOptions.config.isLongPoll !== true) calledAt = performance.now();
      const isServed = draining === 'hand over' || (draining !== 'drained' && request.caller === 'service');
      if (isServed || isLeaving) return done();
      // The caller may not know yet that this app stops. It sends the request to another address.
      if (isCaller(request)) reply.header(drainingHeader, notHandled);
      done(new ServiceUnavailable('The server is stopping'));
    });
  },
  { name: 'drain', dependencies: ['request-lifecycle', 'strict-http', 'exempt-routes'] },
);

/**
 * Waits until other apps send no more requests, and then stops listening. The header `x-draining` tells each caller to
 * use another address if there is one. A new connection after that is refused, so the caller can send its request
 * elsewhere.
 */
async function releaseCallers({ server, inFlight }: FastifyInstance, calledAt: () => number): Promise<void> {
  const end = performance.now() + internalLimits.handOverMs;
  /**
   * Resolves with true when no request is in flight, and none came for `ms` or no connection is open; with false at
   * `end`.
   */
  const waitUntilQuiet = async (ms: number): Promise<boolean> => {
    while (performance.now() < end) {
      const isUnused = (await countConnections(server)) === 0 || performance.now() - calledAt() > ms;
      if (isUnused && inFlight.length === 0) return true;
      await sleep(20);
    }
    return false;
  };
  // Callers close an unused connection after `unusedMs`. By then, each request that they sent has arrived.
  if (!(await waitUntilQuiet(internalLimits.unusedMs + 200))) return;
  stopListening(server);
  // Wait for requests on the connections that were accepted last.
  await waitUntilQuiet(100);
}

/**
 * Stops listening, waits until clients have closed the old connections, and then closes the connections that are idle.
 */
async function releaseConnections(server: Server): Promise<void> {
  stopListening(server);
  const end = performance.now() + internalLimits.handOverMs;
  while (performance.now() < end && (await countConnections(server)) > 0) await sleep(20);
  server.closeIdleConnections();
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}
