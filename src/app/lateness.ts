import fp from 'fastify-plugin';
import { TimedOut } from '#common/problem.ts';
import { fixed, type Limits } from './limits.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether it was answered while its handler ran on. */
    isGivenUp: boolean;
  }
}

/**
 * Ends what takes too long: a request without an answer gets a 504, an answer that nobody takes is cut. One look
 * at all of them, twice a second, costs a request nothing; Fastify's `handlerTimeout` makes a timer for each, and
 * loses it when a body has been read. Register it after `requests`, which knows those in flight.
 */
export const lateness = fp<{ readonly time: Limits['time'] }>(async (app, { time }) => {
  app.decorateRequest('isGivenUp', false);
  const timer = setInterval(() => {
    for (const { request, reply } of app.inFlight) {
      const age = reply.elapsedTime;
      if (age >= time.answer) {
        reply.log.warn('closed: its answer was not taken in time');
        reply.raw.destroy();
      } else if (age >= time.handler && !reply.sent && !reply.raw.headersSent) {
        reply.log.warn('no answer in time');
        request.isGivenUp = true;
        reply.send(new TimedOut('There was no answer in time: the outcome is unknown'));
      }
    }
  }, fixed.checkEvery);
  timer.unref();
  app.addHook('onClose', async () => clearInterval(timer));
});
