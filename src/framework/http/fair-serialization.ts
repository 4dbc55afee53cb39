import fp from 'fastify-plugin';
import { bindContext } from '../context/context.ts';
import type { Turns } from './overload/event-loop-turns.ts';

/** A payload with at most this many objects and arrays is small: 32 pets are at most 80 KB. */
const maxSmallObjects = 32;

/**
 * Lets the event loop do other work between large responses: serializing 1,000 pets takes 10 ms, and all callers of a
 * batched call get their result in the same event-loop turn. A small response never waits. Responses to peer services
 * go first, because admitted requests wait for them.
 */
export const fairSerialization = fp<{ readonly turns: Turns }>(
  async (app, { turns }) => {
    app.addHook('preSerialization', (request, reply, payload, done) => {
      if (!turns.isOver() || countObjects(payload, maxSmallObjects) <= maxSmallObjects)
        return done(null, payload);
      const serialize = bindContext(() => {
        // Skip a request that got a 504 or whose client disconnected. With an idempotency key, a retry needs the
        // response even if the client disconnected.
        if (reply.raw.writableEnded || (reply.raw.destroyed && !request.keyed)) return;
        done(null, payload);
      });
      turns.defer('responses', serialize, request.caller === 'service');
    });
  },
  { name: 'fair-serialization', dependencies: ['request-lifecycle'] },
);

/** Counts the objects and arrays in a value, and stops soon after `max`. */
function countObjects(value: unknown, max: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 1;
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    count += countObjects(member, max);
    if (count > max) break;
  }
  return count;
}
