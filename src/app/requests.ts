import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { readTravel, runInContext } from '#common/context.ts';
import type { Logger } from '#common/logger.ts';
import { LoopDetected } from '#common/problem.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The name of the service that this scope is, or `gateway`. */
    readonly serviceName: string;
    /** Its logger. */
    readonly serviceLog: Logger;
    /** Those that have not ended. */
    readonly inFlight: ReadonlySet<FastifyReply>;
    /** Resolves when none is in flight. */
    readonly whenIdle: () => Promise<void>;
  }
}

const ended = Symbol('ended');
/** What Node writes, with what is to be done when it has ended. */
type Response = ServerResponse & { [ended]?: { request: FastifyRequest; reply: FastifyReply } | undefined };

/** More calls from service to service than this for one request go round in circles. */
const maxHops = 3;

/**
 * Opens each request: its id in the answer, its context for all that runs for it, and its line when it has ended.
 * Register it first, so that what other plugins refuse has all that too.
 */
export const requests = fp(async (app) => {
  const inFlight = new Set<FastifyReply>();
  let emptied: (() => void) | undefined;
  app.decorate('inFlight', inFlight);
  app.decorate('whenIdle', async () => {
    if (inFlight.size > 0) await new Promise<void>((resolve) => (emptied = resolve));
  });

  app.addHook('onRequest', (request, reply, done) => {
    const log = request.log as Logger;
    const travel = readTravel(request.headers, request.id);
    inFlight.add(reply);
    // 'close' comes always and once, 'finish' not where the client has gone. One listener for all requests: a
    // closure for each keeps it alive for longer, and costs more than all else here.
    (reply.raw as Response)[ended] = { request, reply };
    reply.raw.on('close', end);
    reply.header('x-request-id', request.id);
    // Not enterWith: that would leak into the next request on the same connection.
    const { serviceName: service, serviceLog } = request.server;
    runInContext({ service, serviceLog, log, travel }, () =>
      travel.hops > maxHops ? done(new LoopDetected()) : done(),
    );
  });

  function end(this: Response): void {
    const open = this[ended];
    if (open === undefined) return;
    this[ended] = undefined;
    logRequest(open.request.log as Logger, open.request, open.reply);
    inFlight.delete(open.reply);
    if (inFlight.size === 0) emptied?.();
  }
});

/** The one line of a request, when it has ended. The query stays out: it may hold secrets. */
export function logRequest(log: Logger, request: FastifyRequest, reply: FastifyReply): void {
  log.info(
    {
      method: request.method,
      path: request.url.split('?', 1)[0],
      route: request.routeOptions?.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 1000) / 1000,
      ...(!reply.raw.writableFinished && { aborted: true }),
    },
    'request',
  );
}
