import type { ServerResponse } from 'node:http';
import fp from 'fastify-plugin';
import { internalLimits, type Limits } from '../../config/limits.ts';
import type { ConcurrencyLimit } from './concurrency-limit.ts';

export interface UnreadResponsesOptions {
  readonly limits: Pick<Limits, 'unread'>;
  readonly concurrency: ConcurrencyLimit;
}

/** How often the bytes are counted, in ms. */
const tick = 100;
/** A response with fewer bytes is not worth disconnecting its client. */
const large = 65_536;

/**
 * Bounds the bytes of responses that clients have not read. Past `limits.unread` new requests are rejected, and the
 * connection that has kept a large response for the longest time is closed, one in each tick, so that clients which
 * never read cannot lock out the others. Register it after `requests`, which knows the requests in flight.
 */
export const unreadResponses = fp<UnreadResponsesOptions>(async (app, { limits, concurrency: pressure }) => {
  /** Since when each large response has waited. */
  let since = new Map<ServerResponse, number>();

  const timer = setInterval(() => {
    const now = performance.now();
    const waiting = new Map<ServerResponse, number>();
    let bytes = 0;
    for (const { reply } of app.inFlight) {
      const { writableLength } = reply.raw;
      bytes += writableLength;
      if (writableLength >= large) waiting.set(reply.raw, since.get(reply.raw) ?? now);
    }
    since = waiting;
    pressure.unread(bytes);
    if (app.requestMetrics !== undefined) app.requestMetrics.unreadBytes = bytes;
    if (bytes > limits.unread) closeSlowest(now);
  }, tick);
  timer.unref();
  app.addHook('onClose', async () => clearInterval(timer));

  function closeSlowest(now: number): void {
    const [slowest, first = now] = [...since].reduce<[ServerResponse?, number?]>(
      (best, one) => (best[1] !== undefined && best[1] <= one[1] ? best : one),
      [],
    );
    if (slowest === undefined || now - first < internalLimits.unread) return;
    app.log.warn('closed a connection: its client reads too slowly, and too many bytes wait');
    if (app.requestMetrics !== undefined) app.requestMetrics.closed.unread += 1;
    slowest.destroy();
  }
});
