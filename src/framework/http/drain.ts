import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import fp from 'fastify-plugin';
import { internalLimits } from '../config/limits.ts';
import { ServiceUnavailable } from '../errors/problem.ts';
import { closeAfter } from './protocol/strict-http.ts';
import { stopListening } from './stop-listening.ts';

/**
 * How a server stops. `refuse`: it still listens, because requests in flight may call it, and rejects requests from outside
 * with 503. `hand over`: another process accepts the new connections; this one serves requests on its old connections, and
 * closes each with its response.
 */
export type DrainMode = 'refuse' | 'hand over';

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether the server is stopping. */
    readonly isDraining: () => boolean;
    /** Resolves when every request in flight has its response. After that, every request is rejected. */
    readonly drain: (mode: DrainMode) => Promise<void>;
  }
}

/** Stops a server without failing a request. */
export const drain = fp(
  async (app) => {
    let draining: DrainMode | 'drained' | undefined;

    app.decorate('isDraining', () => draining !== undefined);
    app.decorate('drain', async (mode) => {
      draining = mode;
      closeAfter(app.inFlight.map(({ reply }) => reply));
      if (mode === 'hand over') await releaseConnections(app.server);
      await app.untilIdle();
      // The databases and the connections to peers are about to be closed.
      draining = 'drained';
    });

    app.addHook('onRequest', (request, reply, done) => {
      if (draining === undefined) return done();
      reply.header('connection', 'close');
      const isServed = draining === 'hand over' || (draining === 'refuse' && request.caller === 'service');
      if (isServed || app.exemptPaths.has(request.url)) return done();
      done(new ServiceUnavailable('The server is stopping'));
    });
  },
  { name: 'drain', dependencies: ['request-lifecycle', 'strict-http', 'exempt-routes'] },
);

/** Stops listening, waits until clients have closed the old connections, and then closes those that are idle. */
async function releaseConnections(server: Server): Promise<void> {
  stopListening(server);
  const end = performance.now() + internalLimits.handOverMs;
  while (performance.now() < end && (await countConnections(server)) > 0) await sleep(20);
  server.closeIdleConnections();
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}
