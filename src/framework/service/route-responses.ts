import type { FastifySchema } from 'fastify';
import fp from 'fastify-plugin';
import { describeProblems, type ProblemDefinition } from '../errors/define-problem.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import { meaningOf, problems } from '../errors/problem.ts';
import type { AddedRoute } from './route-checks.ts';

declare module 'fastify' {
  interface FastifySchema {
    /** The problems that the route itself responds with. Those that follow from its schema need no mention. */
    errors?: readonly ProblemDefinition[];
  }
}

/**
 * Adds to each route of a service what follows from it: the service as its tag; the responses 400, 413, 415 and 422 of a
 * body, 422 of parameters, and those of its `errors`. Rejects a success that the route's schema does not have, because
 * Fastify would send it with every member that it has. Responses that every route has are added to the document.
 */
export const routeResponses = fp<{ readonly service: string; readonly tag: string }>(
  async (scope, { service, tag }) => {
    scope.addHook('onRoute', (route) => {
      const { schema } = route;
      if (schema === undefined || route.method === 'HEAD') return;
      const { errors = [], ...rest } = schema;
      route.schema = {
        tags: [tag],
        ...rest,
        response: {
          ...problems(...impliedStatuses(schema)),
          ...describeErrors(errors, route.url),
          ...(schema.response as object | undefined),
        },
      };
      if (schema.hide !== true) rejectUndeclared(service, route, Object.keys(schema.response ?? {}));
    });
  },
  { name: 'route-responses', dependencies: ['route-checks'] },
);

function impliedStatuses({ body, params, querystring, headers }: FastifySchema) {
  if (body !== undefined) return [400, 413, 415, 422] as const;
  return params !== undefined || querystring !== undefined || headers !== undefined ? ([422] as const) : [];
}

function describeErrors(errors: readonly ProblemDefinition[], url: string) {
  const instance = url.replace(/:\w+/g, '1');
  const byStatus = Object.groupBy(errors, ({ status }) => status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, some = []]) => [
      status,
      describeProblems(meaningOf(status), some, instance),
    ]),
  );
}

/** Responds 500, and logs the mistake, if a handler sends a success that is not among the declared statuses. */
function rejectUndeclared(service: string, route: AddedRoute, declared: readonly string[]): void {
  const target = `${[route.method].flat().join(',')} ${route.routePath}`;
  const isDeclared = (status: string) =>
    [status, `${status[0]}xx`, 'default'].some((one) => declared.includes(one));
  const known = new Set(['200', '201', '202', '203', '204', '206'].filter(isDeclared).map(Number));
  route.preSerialization = [
    (_request, { statusCode }, payload, done) => {
      if (statusCode >= 400 || known.has(statusCode) || isDeclared(String(statusCode)))
        return done(null, payload);
      const problem = `${service}: ${target} responds with ${statusCode}, which its schema does not have`;
      done(new DefinitionError(`${problem}: add ${statusCode} to its response`));
    },
    ...[route.preSerialization ?? []].flat(),
  ];
}
