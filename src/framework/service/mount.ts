import swagger from '@fastify/swagger';
import type { TObject } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { runAs } from '../context/context.ts';
import { ProblemSchema } from '../errors/problem.ts';
import { describeKey } from '../idempotency/key-header.ts';
import type { IdempotencyKeys } from '../idempotency/key-store.ts';
import { idempotency } from '../idempotency/plugin.ts';
import type { Logger } from '../logging/logger.ts';
import { commonTag } from '../openapi/merge.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { ServiceScope } from './define-service.ts';
import { completeDocument } from './openapi-document.ts';
import type { Readiness } from './readiness.ts';
import { claimScope } from './scope.ts';
import { registerSwaggerUi } from './swagger-ui.ts';
import { addSystemRoutes } from './system-routes.ts';

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
      claimScope(scope, name, log);
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
