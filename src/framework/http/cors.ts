import type { FastifyCorsOptions, FastifyCorsOptionsDelegateCallback } from '@fastify/cors';
import fp from 'fastify-plugin';

/** Lets the pages of these origins read the answers. Register it before `routing`: a preflight has no route. */
export const cors = fp<{ readonly allowed: readonly string[] }>(async (app, { allowed }) => {
  // Only where there are any anybody pays for this import.
  const { default: cors } = await import('@fastify/cors');
  const plain: FastifyCorsOptions = {
    origin: [...allowed],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['idempotent-replayed', 'retry-after', 'x-request-id'],
    maxAge: 600,
    preflight: false,
  };
  const asking = { ...plain, preflight: true };
  // An OPTIONS that is no preflight is answered like every other method.
  const delegator: FastifyCorsOptionsDelegateCallback = ({ headers }, done) => {
    done(null, headers.origin && headers['access-control-request-method'] ? asking : plain);
  };
  await app.register(cors, { delegator });
});
