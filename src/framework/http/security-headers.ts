import type { IncomingMessage, ServerResponse } from 'node:http';
import fp from 'fastify-plugin';
import helmet, { type HelmetOptions } from 'helmet';

/** Security headers of a response, by name. */
export type SecurityHeaders = Readonly<Record<string, string>>;

/** Helmet's headers, worked out once: as a plugin it makes a dozen functions for each request. */
function workOut(options: HelmetOptions): SecurityHeaders {
  const headers: Record<string, string> = {};
  const response = {
    setHeader(name: string, value: string) {
      headers[name.toLowerCase()] = value;
    },
    removeHeader() {},
  };
  helmet(options)({} as IncomingMessage, response as unknown as ServerResponse, () => {});
  return Object.freeze(headers);
}

/** How long browsers shall use HTTPS alone for this host (RFC 6797). */
export interface Hsts {
  /** Seconds. */
  readonly maxAge: number;
  readonly includeSubDomains: boolean;
}

/**
 * The security headers of every response to a request from outside: a browser must not run, sniff or frame data.
 * Helmet's other headers concern pages and old browsers, and each costs every response 0.25 µs.
 * @param hsts absent: no `strict-transport-security`, because that would bind hosts that have no HTTPS.
 */
export const createSecurityHeaders = (hsts?: Hsts): SecurityHeaders =>
  workOut({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: hsts ?? false,
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });

/**
 * Helmet's headers for the docs pages. Swagger UI runs its own scripts, has inline styles and pictures, and calls this
 * server. `upgrade-insecure-requests` is left out: without HTTPS the page would stay empty.
 */
const docsPolicy = workOut({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
  },
  xFrameOptions: { action: 'deny' },
  strictTransportSecurity: false,
});

/** Sets the headers of the docs pages; register it in the scope of the docs alone. */
export const docsSecurityHeaders = fp(async (app) => {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(docsPolicy);
    done();
  });
});
