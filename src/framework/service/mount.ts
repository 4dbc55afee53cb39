import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { runAs } from '../context/context.ts';
import { ProblemSchema } from '../errors/problem.ts';
import { describeKey } from '../idempotency/key-header.ts';
import { idempotency } from '../idempotency/plugin.ts';
import { commonTag } from '../openapi/merge.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import { securitySchemes } from '../openapi/security-schemes.ts';
import type { MountOptions } from './mount-options.ts';
import { completeDocument } from './openapi-document.ts';
import { describeParameters } from './parameters.ts';
import { claimScope } from './scope.ts';
import { registerSwaggerUi } from './swagger-ui.ts';
import { addSystemRoutes } from './system-routes.ts';

interface Components {
  readonly schemas: Readonly<Record<string, object>>;
}

/**
 * Mounts a service, or the app itself, as an encapsulated scope under its prefix, with its log, errors, routes and the
 * system routes. Returns a function that creates the OpenAPI document. Call it when the app is ready.
 */
export async function mountService(
  app: FastifyInstance,
  mountable: MountOptions,
): Promise<() => OpenApiDocument> {
  const { name, prefix, log, info, keys } = mountable;
  let document: (() => OpenApiDocument) | undefined;

  await app.register(
    async (scope) => {
      let complete: OpenApiDocument | undefined;
      const describe = () =>
        completeDocument(scope.swagger() as unknown as OpenApiDocument, {
          tags: {
            [commonTag]: 'The routes that all services have: name, health and readiness',
            ...mountable.tags,
          },
          prefix,
          isExempt: (path) => scope.exemptPaths.has(prefix + path),
        });
      claimScope(scope, name, log);
      await scope.register(swagger, {
        openapi: {
          openapi: '3.1.0',
          info,
          ...(prefix !== '' && { servers: [{ url: prefix }] }),
          components: { securitySchemes },
        },
        stripBasePath: false,
        transform({ schema, url, route: { method }, ...rest }) {
          const { openapiObject } = rest as { openapiObject: { components: Components } };
          const described = describeParameters(schema, openapiObject.components.schemas);
          return {
            schema: keys === undefined ? described : describeKey(described, method),
            url: url.slice(prefix.length) || '/',
          };
        },
        refResolver: {
          buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `def-${index}`),
        },
      });
      document = mountable.document ?? (() => (complete ??= describe()));

      scope.addSchema(ProblemSchema);
      await scope.register(idempotency, { keys });
      // Documents list operations in the order of registration: first the service's routes, then the system routes.
      await scope.register(async (own) =>
        runAs(name, 'start', log, () => mountable.register(own.withTypeProvider())),
      );
      addSystemRoutes(scope.withTypeProvider(), mountable, document);
      if (mountable.docs)
        await scope.register(async (docs) =>
          registerSwaggerUi(docs, mountable, document as () => OpenApiDocument),
        );
    },
    { prefix },
  );
  return () => (document as () => OpenApiDocument)();
}
