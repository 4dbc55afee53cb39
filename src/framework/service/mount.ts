import swagger from '@fastify/swagger';
import { type TObject, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { runAs } from '../context/context.ts';
import { pathOf } from '../context/url.ts';
import { NotFound, ProblemSchema, problems } from '../errors/problem.ts';
import { type ProxyOptions, registerProxy } from '../gateway/proxy.ts';
import { describeKey } from '../idempotency/key-header.ts';
import type { IdempotencyKeys } from '../idempotency/key-store.ts';
import { idempotency } from '../idempotency/plugin.ts';
import { createRequestLogger } from '../logging/access-log.ts';
import type { Logger } from '../logging/logger.ts';
import { commonTag } from '../openapi/merge.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { ServiceScope } from './define-service.ts';
import { completeDocument } from './openapi-document.ts';
import { Readiness, respondReadiness } from './readiness.ts';
import { registerSwaggerUi } from './swagger-ui.ts';

/** What is mounted: a service, or the gateway itself. */
export interface MountOptions {
  readonly name: string;
  /** '' for the gateway, else '/' and the name. */
  readonly prefix: string;
  readonly log: Logger;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  /** One sentence for each tag, by its name. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** What `GET <prefix>/` answers. */
  readonly home: { readonly schema: TObject; readonly body: Record<string, unknown> };
  /** Whether it has a docs page. */
  readonly docs: boolean;
  /** Documents beside its own that its docs page offers, by name. */
  readonly otherDocuments?: Readonly<Record<string, string>>;
  /** The document that it shows, where that is not made of its own routes. */
  document?(): OpenApiDocument;
  /** Where the idempotency keys of its POSTs are; absent where it has no database. */
  readonly keys?: IdempotencyKeys | undefined;
  ready(): Promise<Readiness>;
  register(scope: ServiceScope): Promise<void>;
}

/**
 * Mounts it as one encapsulated scope under its prefix: its log and its context for each request, 404s and errors
 * included; home, health, readiness, documents; and then what it registers itself.
 * @returns its OpenAPI document, to be asked for once the app is ready.
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
          tags: { [commonTag]: 'What every service has: its name, health and readiness', ...mountable.tags },
          prefix,
          isExempt: (path) => scope.exemptPaths.has(prefix + path),
        });
      claim(scope, name, log);
      await scope.register(swagger, {
        openapi: { openapi: '3.1.0', info, ...(prefix !== '' && { servers: [{ url: prefix }] }) },
        stripBasePath: false,
        transform: ({ schema, url, route: { method } }) => ({
          schema: keys === undefined ? schema : describeKey(schema, method),
          url: url.slice(prefix.length) || '/',
        }),
        refResolver: {
          buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `def-${index}`),
        },
      });
      document = mountable.document ?? (() => (complete ??= describe()));

      scope.addSchema(ProblemSchema);
      await scope.register(idempotency, { keys });
      // Documents list operations in this order: first what the service is for.
      await scope.register(async (own) =>
        runAs(name, 'start', log, () => mountable.register(own.withTypeProvider())),
      );
      addOwnRoutes(scope.withTypeProvider(), mountable, document);
      if (mountable.docs)
        await scope.register(async (docs) =>
          registerSwaggerUi(docs, mountable, document as () => OpenApiDocument),
        );
    },
    { prefix },
  );
  return () => (document as () => OpenApiDocument)();
}

/** Mounts what forwards the prefix of a service that another app runs; `name` and `log` are this app's own. */
export async function mountProxy(
  app: FastifyInstance,
  { name, log, proxy }: { readonly name: string; readonly log: Logger; readonly proxy: ProxyOptions },
): Promise<void> {
  await app.register(
    async (scope) => {
      claim(scope, name, log);
      await registerProxy(scope, proxy);
    },
    { prefix: `/${proxy.service}` },
  );
}

/** Makes every request below a scope, those without a route included, that of one service, its lines too. */
function claim(scope: FastifyInstance, name: string, log: Logger): void {
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

const Health = Type.Object({ status: Type.Literal('OK') }, { description: 'The process answers' });

function addOwnRoutes(
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
        summary: 'What this is',
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
        summary: 'Whether the process answers',
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
        summary: 'Whether it can serve, and how each check went',
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
