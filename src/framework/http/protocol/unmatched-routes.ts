import fp from 'fastify-plugin';
import createRouter from 'find-my-way';
import { pathOf } from '../../context/url.ts';
import { MethodNotAllowed, NotFound, Problem } from '../../errors/problem.ts';

/** Options of Fastify's router and of the router of this plugin. Both must agree on which URLs are the same path. */
export const routerOptions = { ignoreTrailingSlash: true };

/**
 * Rejects requests without a route before their body is read. 405: the path has other methods. 404: there is no such
 * path. 414: the URL is too long. 400: programs can read the URL in two ways. Register it before the routes.
 */
export const unmatchedRoutes = fp<{ readonly maxUrlLength: number }>(
  async (app, { maxUrlLength }) => {
    // Register every path under one method, because only paths are searched. The store of a path is the set of its
    // methods. A path has its methods however long its parameters are: only Fastify's router limits their length.
    const paths = createRouter({ ...routerOptions, maxParamLength: maxUrlLength });
    const methodsByPath = new Map<string, Set<string>>();

    app.addHook('onRoute', ({ url, method }) => {
      const path = url.replace(/(?<=.)\/$/, '').replace(/:\w+/g, ':parameter');
      const methods = methodsByPath.get(path) ?? new Set<string>();
      for (const one of [method].flat()) methods.add(one as string);
      if (!methodsByPath.has(path)) paths.on('GET', path, () => {}, methods);
      methodsByPath.set(path, methods);
    });

    app.addHook('onRequest', (request, _reply, done) => {
      const { method, url } = request;
      if (url.length > maxUrlLength) return done(new Problem(414, 'The URL is too long'));
      if (!isUnambiguous(url)) return done(new Problem(400, 'The URL cannot be read'));
      // @fastify/cors adds the route `*` for preflight requests.
      if (!request.is404 && (method !== 'OPTIONS' || request.routeOptions.url !== '*')) return done();
      const path = pathOf(url);
      const methods = paths.find('GET', path)?.store as Set<string> | undefined;
      if (methods !== undefined) return done(new MethodNotAllowed(method, [...methods].sort()));
      done(new NotFound(`There is no route ${method} ${path}`, 'urn:problem-type:route-not-found'));
    });
  },
  { name: 'unmatched-routes', dependencies: ['request-lifecycle', 'cors'] },
);

/**
 * Whether every program reads the URL alike. Percent-encoded bytes must be UTF-8, because Fastify passes on invalid
 * ones undecoded. The path must have no segment that a proxy would resolve, such as `..`, because a path must be the
 * same in every grouping (RFC 3986, section 6.2.2.3, and the URL standard of the WHATWG).
 */
function isUnambiguous(url: string): boolean {
  if (!/[%.\\]/.test(url)) return true;
  const path = pathOf(url);
  try {
    decodeURIComponent(url);
    const decoded = decodeURIComponent(path).replaceAll('\\', '/');
    return !path.includes('\\') && !/\/\.\.|\.\.\/|\/\.(\/|$)/.test(decoded);
  } catch {
    return false;
  }
}
