import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { safeMethods } from '../context/methods.ts';
import { Problem } from '../errors/problem.ts';

/**
 * Rejects requests that change state and that a browser sent for a page of another origin, with 403 before the body is
 * read. The rules are those of `http.CrossOriginProtection` of Go 1.25: `Sec-Fetch-Site` decides; without it, as in
 * browsers before 2023, `Origin` must name the same host. A request with neither header does not come from a browser.
 */
export const crossSite = fp<{ readonly origins: readonly string[] }>(
  async (app, { origins }) => {
    if (origins.includes('*')) return;
    const allowed = new Set(origins);
    app.addHook('onRequest', (request, _reply, done) => {
      const { method, caller, headers } = request;
      const isRejected = !safeMethods.has(method) && caller === undefined && isCrossSite(request);
      done(isRejected && !allowed.has(headers.origin ?? '') ? forbidden() : undefined);
    });
  },
  { name: 'cross-site', dependencies: ['request-lifecycle', 'allowed-hosts'] },
);

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
