import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, onSendHookHandler } from 'fastify';
import { docsSecurityHeaders } from '../http/security-headers.ts';
import { product } from '../openapi/product.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { MountOptions } from './mount-options.ts';

/** Hides the selector of documents, for a page with one document. */
const hideSelector = {
  filename: 'one-document.css',
  content: '.swagger-ui .topbar .download-url-wrapper { display: none; }',
};

/**
 * Hides the headers of error responses, because an operation has many errors. Fits the page to a narrow screen, because
 * the styles of Swagger UI do not.
 */
const fitScreen = {
  filename: 'fit-screen.css',
  content: `.swagger-ui .response:not([data-code^='2']) .headers-wrapper { display: none; }
@media (max-width: 640px) {
  .swagger-ui .wrapper { padding: 0 10px; }
  .swagger-ui .topbar-wrapper { flex-wrap: wrap; justify-content: space-between; gap: 8px; }
  .swagger-ui .topbar .download-url-wrapper { order: 1; flex: 1 1 100%; }
  .swagger-ui .response-col_links { display: none; }
  .swagger-ui .response-col_status { width: auto; }
  .swagger-ui .info { margin: 20px 0; }
}
`,
};

/** The name of the product, instead of the logo of the plugin. */
const logo = {
  type: 'image/svg+xml',
  content: Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" height="40" width="${product.title.length * 13}" fill="#fff" \
font-family="sans-serif" font-size="20" font-weight="bold"><text y="27">${product.title}</text></svg>`,
  ),
};

/** Registers Swagger UI at `<prefix>/docs`, with and without a trailing slash. */
export async function registerSwaggerUi(
  scope: FastifyInstance,
  { prefix, info, otherDocuments }: MountOptions,
  document: () => OpenApiDocument,
): Promise<void> {
  const others = Object.entries(otherDocuments ?? {}).map(([name, url]) => ({ name, url }));
  await scope.register(docsSecurityHeaders);
  scope.addHook('onSend', addViewport);
  await scope.register(swaggerUi, {
    routePrefix: '/docs',
    indexPrefix: prefix,
    transformSpecification: document as never,
    transformSpecificationClone: false,
    logo,
    theme: {
      title: `${info.title} · API docs`,
      css: [fitScreen, ...(others.length === 0 ? [hideSelector] : [])],
    },
    uiConfig: {
      tryItOutEnabled: true,
      displayRequestDuration: true,
      // Set `urls` for a single document too, because the plugin's `url` is wrong if the address of the page has a
      // query.
      urls: [{ name: info.title, url: `${prefix}/openapi.json` }, ...others],
    },
  });
}

/**
 * Adds the viewport to the page: without it a phone shows the page 980 px wide. @fastify/swagger-ui 6.1 has no option for
 * the viewport. test/e2e/browser/docs.test.ts fails if the page has none, or two.
 */
const addViewport: onSendHookHandler = (_request, reply, payload, done) => {
  const isPage =
    typeof payload === 'string' && String(reply.getHeader('content-type')).startsWith('text/html');
  done(null, isPage ? payload.replace('<head>', `<head>${viewport}`) : payload);
};

const viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">';
