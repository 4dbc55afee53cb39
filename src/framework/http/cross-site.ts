import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Problem } from '../errors/problem.ts';
import { safeMethods } from './methods.ts';

/**
 * Rejects requests that change state and that a browser sent for a page of another origin, with 403 before the body is
 * read. The rules are those of `http.CrossOriginProtection` of Go 1.25: `Sec-Fetch-Site` decides; without it, as in
 * browsers before 2023, `Origin` must name the same host. A request with neither header comes from no browser.
 */
export const crossSite = fp<{ readonly allowed: readonly string[] }>(async (app, { allowed }) => {
  if (allowed.includes('*')) return;
  const origins = new Set(allowed);
  app.addHook('onRequest', (request, _reply, done) => {
    const isRejected =
      !safeMethods.has(request.method) && request.caller === undefined && isCrossSite(request);
    done(isRejected && !origins.has(request.headers.origin ?? '') ? forbidden() : undefined);
  });
});

function isCrossSite({ headers, host }: FastifyRequest): boolean {
  const { 'sec-fetch-site': site, origin } = headers;
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && origin.replace(/^[^:]*:\/\//, '').toLowerCase() !== host.toLowerCase();
}

function forbidden(): Problem {
  return new Problem(
    403,
    'A page of another origin may not change anything: origins in the config lists those that may',
  );
}
