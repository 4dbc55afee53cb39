import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { TooManyRequests } from '../../errors/problem.ts';

/**
 * Limits the requests of one client address per minute, and rejects the rest with 429. Internal requests do not count,
 * because the gateway has counted the requests that it forwards. Each instance counts separately.
 * @param rate requests per minute; 0: no limit.
 */
export const rateLimit = fp<{ readonly rate: number }>(
  async (app, { rate }) => {
    if (rate === 0) return;
    // Imported on demand, because it lengthens the start.
    const { default: fastifyRateLimit } = await import('@fastify/rate-limit');
    const keyGenerator = ({ clientAddress }: FastifyRequest) => clientAddress;
    await app.register(fastifyRateLimit, { global: false, max: rate, timeWindow: 60_000, keyGenerator });
    const count = app.createRateLimit();

    app.addHook('onRequest', async (request) => {
      if (request.caller !== undefined) return;
      const result = await count(request);
      if (result.isAllowed || !result.isExceeded || app.exemptPaths.has(request.url)) return;
      throw new TooManyRequests(result.ttlInSeconds);
    });
  },
  { name: 'rate-limit', dependencies: ['request-lifecycle', 'exempt-routes'] },
);
