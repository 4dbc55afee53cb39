import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import type { OpenApiDocument } from '#common/contract.ts';
import type { Mountable } from './mount.ts';

/** Swagger UI at `<prefix>/docs`, with and without a slash at the end. */
export async function addDocs(
  scope: FastifyInstance,
  { prefix, info, otherDocuments }: Mountable,
  document: () => OpenApiDocument,
): Promise<void> {
  const own = `${prefix}/openapi.json`;
  const others = Object.entries(otherDocuments ?? {}).map(([name, url]) => ({ name, url }));
  await scope.register(swaggerUi, {
    routePrefix: '/docs',
    indexPrefix: prefix,
    transformSpecification: document as never,
    transformSpecificationClone: false,
    theme: { title: info.title },
    uiConfig: {
      tryItOutEnabled: true,
      displayRequestDuration: true,
      ...(others.length > 0 && { urls: [{ name: 'all services', url: own }, ...others] }),
    },
  });
}
