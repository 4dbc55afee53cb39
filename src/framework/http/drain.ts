import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fp from 'fastify-plugin';
import { internalLimits } from '../config/limits.ts';
import { ServiceUnavailable } from '../errors/problem.ts';
import type { ExemptPaths } from './overload/exempt-paths.ts';
import { closeAfter } from './protocol/strict-http.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether the server is stopping. */
    readonly isDraining: () => boolean;
    /**
     * Ends the work, and resolves when what is in flight has been answered. `refuse`: what comes meanwhile from
     * outside gets a 503; the server still listens, as what is in flight may need to call it. `hand over`: another
     * process takes the new connections; what comes on an old one is answered, and told that it was the last. After
     * that, nothing begins any more.
     */
    readonly drain: (mode: 'refuse' | 'hand over') => Promise<void>;
  }
  interface FastifyContextConfig {
    /** Answered to the last, also while the server stops. */
    exempt?: boolean;
  }
}

/**
 * Has a server stop without failing a request. Register it after `requests`, which knows those in flight, and
 * `protocol`, which knows their order.
 */
export const drain = fp<{ readonly always: ExemptPaths }>(async (app, { always }) => {
  let draining: 'refuse' | 'hand over' | 'over' | undefined;

  app.decorate('isDraining', () => draining !== undefined);
  app.decorate('drain', async (mode) => {
    draining = mode;
    closeAfter(app.inFlight.map(({ reply }) => reply));
    if (mode === 'hand over') await releaseConnections(app.server);
    await app.untilIdle();
    // What a request needs is about to be closed.
    draining = 'over';
  });

  app.addHook('onRequest', (request, reply, done) => {
    if (draining === undefined) return done();
    reply.header('connection', 'close');
    const isTaken = draining === 'hand over' || (draining === 'refuse' && request.caller === 'service');
    if (isTaken || always.has(request.url)) return done();
    done(new ServiceUnavailable('The server is stopping'));
  });
});

/**
 * Takes no new connections, waits until the clients have let go of the old ones, and in the end closes those that
 * nobody uses. Not `server.close()`: that cuts idle connections at once, and with them the request that a client is
 * about to send.
 */
async function releaseConnections(server: Server): Promise<void> {
  NetServer.prototype.close.call(server);
  const end = performance.now() + internalLimits.handOver;
  while (performance.now() < end && (await countConnections(server)) > 0) await sleep(20);
  server.closeIdleConnections();
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}
