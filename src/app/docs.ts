import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import type { OpenApiDocument } from '#common/contract.ts';
import type { Mountable } from './mount.ts';
import { docsOnly } from './policy.ts';

/** Nothing to choose, no box to choose in. */
const hideSelector = {
  filename: 'one-document.css',
  content: '.swagger-ui .topbar .download-url-wrapper { visibility: hidden; }',
};

/** Swagger UI at `<prefix>/docs`, with and without a slash at the end. */
export async function addDocs(
  scope: FastifyInstance,
  { prefix, info, otherDocuments }: Mountable,
  document: () => OpenApiDocument,
): Promise<void> {
  const others = Object.entries(otherDocuments ?? {}).map(([name, url]) => ({ name, url }));
  await scope.register(docsOnly);
  await scope.register(swaggerUi, {
    routePrefix: '/docs',
    indexPrefix: prefix,
    transformSpecification: document as never,
    transformSpecificationClone: false,
    theme: { title: `${info.title} · API docs`, css: others.length === 0 ? [hideSelector] : [] },
    uiConfig: {
      tryItOutEnabled: true,
      displayRequestDuration: true,
      // Also where there is one: the plugin's own `url` is wrong once the page's address has a query.
      urls: [{ name: info.title, url: `${prefix}/openapi.json` }, ...others],
    },
  });
}
