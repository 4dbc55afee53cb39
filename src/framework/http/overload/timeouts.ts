import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { internalLimits, type Limits } from '../../config/limits.ts';
import { GatewayTimeout, Problem } from '../../errors/problem.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the client got a 504 while the handler was still running. */
    isTimedOut: boolean;
  }
}

/**
 * Ends requests that take too long: 504 if the handler has not responded, and a closed connection if the client does not
 * read the response. One timer checks all requests twice a second, because a timer for each request costs more. Fastify's
 * `handlerTimeout` starts one for each request, and does not fire for requests with a body.
 */
export const timeouts = fp<{ readonly time: Limits['time'] }>(
  async (app, { time }) => {
    app.decorateRequest('isTimedOut', false);
    const timer = setInterval(() => {
      for (const open of app.inFlight) {
        const { request, reply, route } = open;
        // A poll may wait for an event in addition.
        const age = reply.elapsedTime - (route.config.isLongPoll === true ? internalLimits.pollMs : 0);
        if (age >= time.answer) {
          const message = 'connection closed: the client did not read the response in time';
          reply.log.warn(describe(request, reply), message);
          reply.raw.destroy();
        } else if (age >= time.handler && !reply.sent && !reply.raw.headersSent) {
          reply.log.warn(describe(request, reply), 'the handler did not respond in time');
          request.isTimedOut = true;
          open.state.isOver = true;
          reply.send(new GatewayTimeout('There was no response in time: the outcome is unknown'));
          reply.log = createLateLogger(reply.log);
        }
      }
    }, internalLimits.checkEveryMs);
    timer.unref();
    app.addHook('onClose', async () => clearInterval(timer));
  },
  { name: 'timeouts', dependencies: ['request-lifecycle'] },
);

function describe({ method, routeOptions }: FastifyRequest, { elapsedTime }: FastifyReply) {
  return { method, route: routeOptions.url, ms: Math.round(elapsedTime) };
}

/**
 * Returns the logger of a reply whose request timed out. It drops the warning of a forgotten `return reply`, which
 * Fastify logs when the handler responds after the 504. It still logs a defect.
 */
function createLateLogger(log: FastifyBaseLogger): FastifyBaseLogger {
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
