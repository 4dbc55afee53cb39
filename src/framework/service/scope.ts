import type { FastifyInstance } from 'fastify';
import { pathOf } from '../context/url.ts';
import { NotFound } from '../errors/problem.ts';
import { createRequestLogger } from '../logging/access-log.ts';
import type { Logger } from '../logging/logger.ts';

/** Assigns all requests below a scope to a service: their context, log entries and 404 responses. */
export function claimScope(scope: FastifyInstance, name: string, log: Logger): void {
  // Fastify writes its first log entry of a request before it runs hooks, so it needs the logger of the service.
  scope.setChildLoggerFactory((_parent, bindings, options) =>
    Object.keys(options).length === 0
      ? createRequestLogger(log, bindings.reqId)
      : log.child(bindings, options),
  );
  scope.decorate('serviceName', name);
  scope.decorate('serviceLog', log);
  // `unmatchedRoutes` rejects requests without a route earlier. This handler responds for routes that find nothing, for
  // example a missing file of the docs page.
  scope.setNotFoundHandler(async ({ url }) => {
    throw new NotFound(`There is nothing at ${pathOf(url)}`, 'urn:problem-type:route-not-found');
  });
}
