import fp from 'fastify-plugin';
import createRouter from 'find-my-way';
import { pathOf } from '../../context/url.ts';
import { MethodNotAllowed, NotFound, Problem } from '../../errors/problem.ts';

/** Fastify's own options and ours must agree on what is one path. */
export const routerOptions = { ignoreTrailingSlash: true };

/**
 * Refuses what has no route before anything of its body is read: 405 where the path has other methods, 404 where
 * it has none, 414 for a URL that no route needs, and 400 for one that can be read in two ways. Register it before any
 * route.
 */
export const unmatchedRoutes = fp<{ readonly maxUrlLength: number }>(async (app, { maxUrlLength }) => {
  // Only the paths matter, so all stand under one method; the store of each is the set of methods that it has.
  const paths = createRouter(routerOptions);
  const known = new Map<string, Set<string>>();

  app.addHook('onRoute', ({ url, method }) => {
    const path = url.replace(/(?<=.)\/$/, '').replace(/:\w+/g, ':parameter');
    const methods = known.get(path) ?? new Set<string>();
    for (const one of [method].flat()) methods.add(one as string);
    if (!known.has(path)) paths.on('GET', path, () => {}, methods);
    known.set(path, methods);
  });

  app.addHook('onRequest', (request, _reply, done) => {
    if (request.url.length > maxUrlLength) return done(new Problem(414, 'The URL is too long'));
    if (!isReadable(request.url)) return done(new Problem(400, 'The URL cannot be read'));
    // What takes any path is there for a preflight, and is no route of anybody's.
    if (!request.is404 && request.routeOptions.url !== '*') return done();
    const path = pathOf(request.url);
    const methods = paths.find('GET', path)?.store as Set<string> | undefined;
    if (methods !== undefined) return done(new MethodNotAllowed(request.method, [...methods].sort()));
    done(new NotFound(`There is no route ${request.method} ${path}`, 'urn:problem-type:route-not-found'));
  });
});

/**
 * Whether it says the same to all who read it. What is percent-encoded is UTF-8: of a query that is not, Fastify would
 * hand on the text as it was sent. And there is nothing in its path that whoever forwards it would resolve, as `..`
 * (RFC 3986, section 6.2.2.3, and the WHATWG's URL for the rest): a path must be the same wherever a service runs.
 */
function isReadable(url: string): boolean {
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
