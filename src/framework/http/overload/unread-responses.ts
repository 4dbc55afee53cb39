import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { internalLimits, type Limits } from '../../config/limits.ts';
import type { ConcurrencyLimit } from './concurrency-limit.ts';

/** How often the bytes are counted. */
const checkMs = 100;
/** The connection of a smaller unread response is never closed, because that would free too little. */
const minLargeBytes = 65_536;

/**
 * Bounds the bytes of responses that clients have not read. Past `limits.unread` the server rejects new requests, and in
 * each check closes the connection that has kept a large response for the longest time. So clients that never read
 * cannot lock out the others.
 */
export const unreadResponses = fp<{ readonly limits: Limits; readonly concurrency: ConcurrencyLimit }>(
  async (app, { limits, concurrency }) => {
    /** When each large response was first seen. */
    let firstSeen = new Map<ServerResponse, number>();

    const timer = setInterval(() => {
      const now = performance.now();
      const large = new Map<ServerResponse, number>();
      let bytes = 0;
      for (const { reply } of app.inFlight) {
        const { writableLength } = reply.raw;
        bytes += writableLength;
        if (writableLength >= minLargeBytes) large.set(reply.raw, firstSeen.get(reply.raw) ?? now);
      }
      firstSeen = large;
      concurrency.setUnread(bytes);
      if (app.requestMetrics !== undefined) app.requestMetrics.unreadBytes = bytes;
      if (bytes > limits.unread) closeSlowest(app, large, now);
    }, checkMs);
    timer.unref();
    app.addHook('onClose', async () => clearInterval(timer));
  },
  { name: 'unread-responses', dependencies: ['request-lifecycle'] },
);

function closeSlowest(app: FastifyInstance, large: ReadonlyMap<ServerResponse, number>, now: number): void {
  const [slowest, since = now] = [...large].toSorted(([, one], [, other]) => one - other)[0] ?? [];
  if (slowest === undefined || now - since < internalLimits.unreadMs) return;
  app.log.warn('connection closed: too many bytes wait for clients, and this client reads too slowly');
  if (app.requestMetrics !== undefined) app.requestMetrics.closed.unread += 1;
  slowest.destroy();
}
