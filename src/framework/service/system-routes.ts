import { Type } from '@sinclair/typebox';
import { problems } from '../errors/problem.ts';
import { commonTag } from '../openapi/merge.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { ServiceScope } from './define-service.ts';
import type { MountOptions } from './mount-options.ts';
import { Readiness, respondReadiness } from './readiness.ts';

/** Creates the response to `GET /<service>/`. */
export function describeService(name: string, hasDocs: boolean): MountOptions['home'] {
  const links = { ...(hasDocs && { docs: `/${name}/docs` }), openapi: `/${name}/openapi.json` };
  return {
    schema: Type.Object(
      { name: Type.String(), ...(hasDocs && { docs: Type.String() }), openapi: Type.String() },
      { description: 'The name of the service, and links to its documents', examples: [{ name, ...links }] },
    ),
    body: { name, ...links },
  };
}

/** Creates the response to `GET /`. */
export function describeApp(name: string, services: readonly string[]): MountOptions['home'] {
  return {
    schema: Type.Object({ message: Type.String(), services: Type.Array(Type.String()) }),
    body: { message: `${name[0]?.toUpperCase()}${name.slice(1)} is running`, services },
  };
}

const Health = Type.Object({ status: Type.Literal('OK') }, { description: 'The process responds' });

/** Adds the routes that all services have: name, health, readiness and document. */
export function addSystemRoutes(
  scope: ServiceScope,
  { home, ready, prefix }: MountOptions,
  document: () => OpenApiDocument,
): void {
  const tags = [commonTag];
  const hide = prefix === '';

  scope.get(
    '/',
    {
      schema: {
        hide,
        operationId: 'readService',
        tags,
        summary: 'Read the name of the service and the links to its documents',
        response: { 200: home.schema },
      },
    },
    async () => home.body,
  );

  scope.get(
    '/health',
    {
      config: { exempt: true },
      schema: {
        hide,
        operationId: 'checkHealth',
        tags,
        summary: 'Check whether the process responds',
        response: { 200: Health },
      },
    },
    async () => ({ status: 'OK' as const }),
  );

  scope.get(
    '/ready',
    {
      config: { exempt: true },
      schema: {
        hide,
        operationId: 'checkReadiness',
        tags,
        summary: 'Check whether the service can serve requests',
        response: { 200: Readiness, ...problems(503) },
      },
    },
    async () => respondReadiness(scope.isDraining(), await ready()),
  );

  let body: string | undefined;
  scope.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    body ??= JSON.stringify(document());
    return reply.type('application/json').send(body);
  });
}
