import type { IncomingMessage, ServerResponse } from 'node:http';
import fp from 'fastify-plugin';
import helmet, { type HelmetOptions } from 'helmet';

/** What an answer tells a browser that it may do with it: headers by their names. */
type Policy = Readonly<Record<string, string>>;

/** Helmet's headers, worked out once: as a plugin it makes a dozen functions for each request. */
function workOut(options: HelmetOptions): Policy {
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

/**
 * Data is not for a browser to run, show or frame. Six of helmet's headers say so; the others are about pages, or for
 * browsers of the past, and each costs every answer a quarter of a microsecond.
 */
export const apiPolicy = workOut({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  xFrameOptions: { action: 'deny' },
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
});

/**
 * All of them. Swagger UI runs its own scripts, has styles and pictures within its page, and asks this server. Nothing is to be
 * asked for by HTTPS instead: where there is none, the page would stay empty.
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
});

/** The strict policy on every answer that a browser may see. Register it after `requests`, which knows who asks. */
export const policy = fp(async (app) => {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.caller !== 'service') reply.headers(apiPolicy);
    done();
  });
});

/** The looser one, in the scope of the docs alone. */
export const docsOnly = fp(async (app) => {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(docsPolicy);
    done();
  });
});
