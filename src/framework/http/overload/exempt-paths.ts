import fp from 'fastify-plugin';
import { pathOf } from '../../context/url.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly exemptPaths: ExemptPaths;
  }
  interface FastifyContextConfig {
    /** Whether the route responds even if the server is overloaded or stopping. */
    exempt?: boolean;
    /** Whether a request may wait for long: it has no timeout, and counts neither as work nor in the latency metrics. */
    isLongPoll?: boolean;
  }
}

/** Paths that are exempt from load shedding, the rate limit and the 503 of a stopping server, such as `/health`. */
export interface ExemptPaths {
  add(path: string): void;
  has(url: string): boolean;
}

export function createExemptPaths(): ExemptPaths {
  const paths = new Set<string>();
  return {
    add: (path) => void paths.add(normalize(path)),
    has: (url) => paths.has(normalize(url)),
  };
}

/** Adds the path of each route whose config has `exempt`. */
export const exemptRoutes = fp<{ readonly exemptPaths: ExemptPaths }>(
  async (app, { exemptPaths }) => {
    app.decorate('exemptPaths', exemptPaths);
    app.addHook('onRoute', ({ url, config }) => {
      if (config?.exempt) exemptPaths.add(url);
    });
  },
  { name: 'exempt-routes' },
);

function normalize(url: string): string {
  const path = pathOf(url);
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
