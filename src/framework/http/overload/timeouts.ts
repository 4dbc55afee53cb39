import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { internalLimits, type Limits } from '../../config/limits.ts';
import { GatewayTimeout, Problem } from '../../errors/problem.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether it was answered while its handler ran on. */
    isTimedOut: boolean;
  }
}

/**
 * Ends what takes too long: a request without an answer gets a 504, an answer that nobody takes is cut. One look
 * at all of them, twice a second, costs a request nothing; Fastify's `handlerTimeout` makes a timer for each, and
 * loses it when a body has been read. Register it after `requests`, which knows those in flight.
 */
export const timeouts = fp<{ readonly time: Limits['time'] }>(async (app, { time }) => {
  app.decorateRequest('isTimedOut', false);
  const timer = setInterval(() => {
    for (const open of app.inFlight) {
      const { request, reply } = open;
      const age = reply.elapsedTime;
      if (age >= time.answer) {
        reply.log.warn(
          describe(request, reply),
          'connection closed: the client did not read the response in time',
        );
        reply.raw.destroy();
      } else if (age >= time.handler && !reply.sent && !reply.raw.headersSent) {
        reply.log.warn(describe(request, reply), 'the handler did not respond in time');
        request.isTimedOut = true;
        open.state.isOver = true;
        reply.send(new GatewayTimeout('There was no answer in time: the outcome is unknown'));
        reply.log = logLate(reply.log);
      }
    }
  }, internalLimits.checkEvery);
  timer.unref();
  app.addHook('onClose', async () => clearInterval(timer));
});

function describe({ method, routeOptions }: FastifyRequest, { elapsedTime }: FastifyReply) {
  return { method, route: routeOptions.url, ms: Math.round(elapsedTime) };
}

/**
 * The logger of a reply after its request timed out. Fastify would blame a handler that responds now for a forgotten
 * `return reply`; its response is dropped instead. A defect is logged.
 */
function logLate(log: FastifyBaseLogger): FastifyBaseLogger {
  return Object.create(log, {
    warn: { value: () => {} },
    error: {
      value({ err }: { readonly err?: unknown }) {
        const level = err instanceof Problem ? 'debug' : 'error';
        log[level]({ err }, 'the handler failed after its request timed out');
      },
    },
  }) as FastifyBaseLogger;
}
