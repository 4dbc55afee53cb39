import fp from 'fastify-plugin';
import type { Config } from '../config/config.ts';

// The values are those of helmet 8: helmet.test.ts compares them. As a plugin helmet creates a dozen functions for
// each request.

/** Security headers of a response, by name. */
export type SecurityHeaders = Readonly<Record<string, string>>;

/** Keeps browsers from running, sniffing, framing or embedding a response that is data. */
const dataHeaders: SecurityHeaders = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/**
 * Creates the headers of every response to a request from outside. Helmet's other headers concern pages and old browsers,
 * and each costs every response 0.25 µs.
 * @param hsts how long browsers must use only HTTPS for this host (RFC 6797). Undefined: no `strict-transport-security`,
 * because that would break hosts without HTTPS.
 */
export function createSecurityHeaders(hsts: Config['hsts']): SecurityHeaders {
  if (hsts === undefined) return dataHeaders;
  const { maxAge, includeSubDomains } = hsts;
  const value = `max-age=${maxAge}${includeSubDomains ? '; includeSubDomains' : ''}`;
  return { ...dataHeaders, 'strict-transport-security': value };
}

/**
 * The headers of the docs pages. Swagger UI runs its own scripts, has inline styles and images, and calls this server. The
 * policy has no `upgrade-insecure-requests`, because without HTTPS the page would stay empty.
 */
export const pageHeaders: SecurityHeaders = {
  ...dataHeaders,
  'content-security-policy':
    "default-src 'none';script-src 'self';style-src 'self' 'unsafe-inline';img-src 'self' data:;font-src 'self' data:;connect-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
};

/** Sets the headers of the docs pages. Register it in the scope of the docs only. */
export const docsSecurityHeaders = fp(
  async (app) => {
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(pageHeaders);
      done();
    });
  },
  { name: 'docs-security-headers', dependencies: ['request-lifecycle'] },
);
