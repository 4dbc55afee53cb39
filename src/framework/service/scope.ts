import type { FastifyInstance } from 'fastify';
import { pathOf } from '../context/url.ts';
import { NotFound } from '../errors/problem.ts';
import { createRequestLogger } from '../logging/access-log.ts';
import type { Logger } from '../logging/logger.ts';

/** Makes every request below a scope belong to one service: its context, its log entries and its 404s. */
export function claimScope(scope: FastifyInstance, name: string, log: Logger): void {
  // Fastify's first line of a request is written before any hook runs, so the logger itself must be right.
  scope.setChildLoggerFactory((_parent, bindings, options) =>
    Object.keys(options).length === 0
      ? createRequestLogger(log, bindings.reqId)
      : log.child(bindings, options),
  );
  scope.decorate('serviceName', name);
  scope.decorate('serviceLog', log);
  // Makes a 404 under the prefix the service's own. `routing` has refused what has no route by then: what is
  // answered here is a route that finds nothing, as for a file that the docs do not have.
  scope.setNotFoundHandler(async ({ url }) => {
    throw new NotFound(`There is nothing at ${pathOf(url)}`, 'urn:problem-type:route-not-found');
  });
}
