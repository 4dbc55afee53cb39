import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';
import { readTravel } from '#common/context.ts';
import { Unavailable } from '#common/problem.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether the server is stopping. */
    readonly isDraining: () => boolean;
    /**
     * Takes no more work from outside and resolves when what is in flight has been answered. The server still
     * listens meanwhile: what is in flight may need to call it.
     */
    readonly drain: () => Promise<void>;
  }
  interface FastifyContextConfig {
    /** Answered to the last, also while the server stops. */
    always?: boolean;
  }
}

/** Knows the requests in flight, so that a server can stop without failing one. */
export const drain = fp(async (app) => {
  const inFlight = new Set<FastifyReply>();
  let emptied: (() => void) | undefined;
  let draining: Promise<void> | undefined;

  app.decorate('isDraining', () => draining !== undefined);
  app.decorate('drain', () => {
    draining ??= new Promise<void>((resolve) => {
      emptied = resolve;
      for (const reply of inFlight) reply.header('connection', 'close');
      if (inFlight.size === 0) resolve();
    });
    return draining;
  });

  app.addHook('onRequest', (request, reply, done) => {
    inFlight.add(reply);
    // 'close' comes always and once, 'finish' not where the client has gone.
    reply.raw.once('close', () => {
      inFlight.delete(reply);
      if (inFlight.size === 0) emptied?.();
    });
    if (draining === undefined) return done();
    reply.header('connection', 'close');
    const isNested = readTravel(request.headers, request.id).hops > 0;
    if (isNested || request.routeOptions.config.always) return done();
    done(new Unavailable('The server is stopping'));
  });
});
