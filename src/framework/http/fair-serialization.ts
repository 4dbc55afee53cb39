import fp from 'fastify-plugin';
import { bindContext } from '../context/context.ts';
import type { Turns } from './overload/event-loop-turns.ts';

/** Objects and lists in a payload that takes little time: 32 pets are at most 80 KB. */
const small = 32;

/**
 * Has the event loop do other work between large responses: to serialize 1,000 pets takes 10 ms, and the callers of one
 * shared call all get their result in the same turn. A small response never waits. Responses to peer services go
 * first, because requests that have been admitted wait for them.
 */
export const fairSerialization = fp<{ readonly turns: Turns }>(async (app, { turns }) => {
  app.addHook('preSerialization', (request, reply, payload, done) => {
    if (!turns.isOver() || countObjects(payload, small) <= small) return done(null, payload);
    const serialize = bindContext(() => {
      // It timed out meanwhile, or its client has gone; a response that a retry will get is made nevertheless.
      if (reply.raw.writableEnded || (reply.raw.destroyed && !request.keyed)) return;
      done(null, payload);
    });
    turns.defer('responses', serialize, request.caller === 'service');
  });
});

/** How many objects and lists a value is made of; it stops counting past `enough`. */
function countObjects(value: unknown, enough: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 1;
  for (const one of Array.isArray(value) ? value : Object.values(value)) {
    count += countObjects(one, enough);
    if (count > enough) break;
  }
  return count;
}
