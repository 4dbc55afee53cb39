import fp from 'fastify-plugin';
import { TooManyRequests } from '../../errors/problem.ts';
import type { ExemptPaths } from './exempt-paths.ts';

export interface RateOptions {
  /** Requests of one address in a minute. */
  readonly rate: number;
  readonly exemptPaths: ExemptPaths;
}

/**
 * Bounds how much one client may ask: 429 past it. Of our own nobody is counted: what a gateway forwards, it has
 * counted itself. Each instance counts for itself. Register it after `requests`, which knows who asks.
 */
export const rateLimit = fp<RateOptions>(async (app, { rate, exemptPaths: always }) => {
  // Only where there is a rate anybody pays for this import.
  const { default: rateLimit } = await import('@fastify/rate-limit');
  await app.register(rateLimit, { global: false, max: rate, timeWindow: 60_000 });
  const count = app.createRateLimit();

  app.addHook('onRequest', async (request) => {
    if (request.caller !== undefined) return;
    const result = await count(request);
    if (result.isAllowed || !result.isExceeded || always.has(request.url)) return;
    throw new TooManyRequests(result.ttlInSeconds);
  });
});
