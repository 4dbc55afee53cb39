import type { FastifyCorsOptions, FastifyCorsOptionsDelegateCallback } from '@fastify/cors';
import fp from 'fastify-plugin';

/** Lets pages of these origins read responses (CORS). */
export const cors = fp<{ readonly origins: readonly string[] }>(
  async (app, { origins }) => {
    if (origins.length === 0) return;
    // Imported on demand, because it lengthens the start.
    const { default: fastifyCors } = await import('@fastify/cors');
    const simple: FastifyCorsOptions = {
      origin: [...origins],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: ['idempotent-replayed', 'link', 'retry-after', 'x-request-id'],
      maxAge: 600,
      preflight: false,
    };
    const preflight = { ...simple, preflight: true };
    // An OPTIONS request that is no preflight is treated like every other method.
    const delegator: FastifyCorsOptionsDelegateCallback = ({ headers }, done) => {
      done(null, headers.origin && headers['access-control-request-method'] ? preflight : simple);
    };
    await app.register(fastifyCors, { delegator });
  },
  { name: 'cors', dependencies: ['request-lifecycle', 'cross-site'] },
);
