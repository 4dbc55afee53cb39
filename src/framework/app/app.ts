import type { FastifyInstance } from 'fastify';
import { assertNoneMissing } from '../database/open-database.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import { mountProxy } from '../gateway/proxy.ts';
import { mergeDocuments, mergedInfo, type Part, selectServices } from '../openapi/merge.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { Service } from '../service/define-service.ts';
import { mountService } from '../service/mount.ts';
import type { MountOptions } from '../service/mount-options.ts';
import { type OpenedService, openService } from '../service/open-service.ts';
import { checkAll, checkReadiness, type Readiness } from '../service/readiness.ts';
import { describeApp } from '../service/system-routes.ts';
import { addServiceMetrics } from './app-metrics.ts';
import { assertProtected } from './assert-protected.ts';
import { checkWholeConfig } from './check-config.ts';
import { createLifecycle, type Lifecycle } from './lifecycle.ts';
import { type AppOptions, createRuntime, type Runtime } from './runtime.ts';

export type { AppOptions };

/** One app: a server with its services, ready to listen. */
export interface App extends Lifecycle {
  readonly server: FastifyInstance;
  /** Returns the OpenAPI document of each service. */
  documents(): Part[];
  /** Renders the metrics of this process. Undefined if metrics are off. */
  readonly metrics: (() => Promise<string>) | undefined;
}

/**
 * Builds an app of the config: opens the databases, and mounts the services and the proxies of the gateway. The app does
 * not listen yet.
 * @throws {ConfigError} if the config has a mistake. No database is open then.
 * @throws {DefinitionError} if a service has a mistake.
 * @throws {DatabaseError} if a database cannot be opened.
 */
export async function buildApp(options: AppOptions): Promise<App> {
  checkWholeConfig(options);
  const runtime = await createRuntime(options);
  if (options.record !== undefined) assertNoneMissing(listDatabases(runtime), options.record);
  const { server } = runtime;
  const opened: OpenedService[] = [];
  const documents = new Map<string, () => OpenApiDocument>();
  for (const name of runtime.app.services) {
    const service = await openAppService(runtime, name, documents);
    opened.push(service);
    server.addHook('onClose', service.close);
    documents.set(name, await mountService(server, service.mountable));
  }
  const parts = () =>
    [...documents].map(([service, read]): Part => ({ service, prefix: `/${service}`, document: read() }));
  const forwarded = await mountProxies(runtime);
  const readiness = new Map<string, () => Promise<Readiness>>(
    opened.map(({ service, mountable }) => [service.name, mountable.ready]),
  );
  if (runtime.remote.length > 0)
    readiness.set(runtime.label, () => checkReadiness({ database: undefined, peers: forwarded }));
  await mountService(server, describeAppRoutes(runtime, parts, readiness));
  try {
    await server.ready();
  } catch (error) {
    throw describeSchemaError(error as Error);
  }
  await recheckProtected(runtime, parts());
  addServiceMetrics(runtime, opened);
  return { ...createLifecycle(runtime, opened), server, documents: parts, metrics: runtime.metrics?.render };
}

/** Converts Fastify's error for a schema that cannot be compiled to one line that names the service and the route. */
function describeSchemaError(error: Error): Error {
  const pattern = /^Failed building the (\w+) schema for ([\w,]+): \/([\w-]+)(\/\S*), due to error (.*)$/s;
  const [, kind, method, service, path, reason = ''] = pattern.exec(error.message) ?? [];
  if (kind === undefined) return error;
  const part = kind === 'validation' ? 'body or parameters' : 'response';
  const message = `${service}: ${method} ${path} has a schema of its ${part} that is not valid: ${reason.replace(/\s+/g, ' ')}`;
  return new DefinitionError(message, { cause: error });
}

/** Checks the routes that were added: the contract that `checkWholeConfig` reads may be absent, or older than they are. */
async function recheckProtected({ config, contract, app, server }: Runtime, parts: readonly Part[]) {
  const elsewhere = Object.keys(config.services).filter((service) => !app.services.includes(service));
  const documents = parts.map(({ document }) => document);
  if (contract !== undefined && elsewhere.length > 0) documents.push(selectServices(contract, elsewhere));
  try {
    assertProtected(config, documents);
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Lists the URLs of the databases of an app. */
function listDatabases({ app, config }: Runtime): string[] {
  return app.services.flatMap((name) => config.services[name]?.database ?? []);
}

function openAppService(
  runtime: Runtime,
  name: string,
  documents: ReadonlyMap<string, () => OpenApiDocument>,
): Promise<OpenedService> {
  const { services, app, contract, record } = runtime;
  return openService(services.get(name) as Service, {
    ...{ ...runtime, contract, record },
    knownScopes: new Set([...services.values()].flatMap(({ scopes = {} }) => Object.keys(scopes))),
    serviceNames: new Set(services.keys()),
    documentOf: (other) =>
      app.services.includes(other) ? () => (documents.get(other) as () => OpenApiDocument)() : undefined,
  });
}

/** Mounts the proxies of the gateway. Returns the readiness check of each forwarded service. */
async function mountProxies(runtime: Runtime) {
  const { config, server, label, log, remote, originOf, headersTo } = runtime;
  const checks: [string, Awaited<ReturnType<typeof mountProxy>>][] = [];
  for (const service of remote) {
    const check = await mountProxy(
      server,
      { name: label, log },
      {
        service,
        origin: originOf(service),
        // Twice the deadline of calls: a service whose call times out still responds before the gateway times out.
        timeout: 2 * config.calls.deadline,
        connections: config.limits.forwards.connections,
        headers: headersTo(service, 'gateway'),
      },
    );
    checks.push([service, check]);
  }
  return Object.fromEntries(checks);
}

/** Describes the routes of the app itself. */
function describeAppRoutes(
  { config, app, isGateway, label, log, version, contract, remote, metrics }: Runtime,
  parts: () => readonly Part[],
  readiness: ReadonlyMap<string, () => Promise<Readiness>>,
): MountOptions {
  const names = isGateway ? Object.keys(config.services) : app.services;
  const info = mergedInfo(version);
  return {
    ...{ name: label, prefix: '', log, info, docs: config.docs, home: describeApp(label, names) },
    otherDocuments: Object.fromEntries(names.map((service) => [service, `/${service}/openapi.json`])),
    // The committed contract also documents services of other apps, which may be unreachable.
    document: () =>
      remote.length > 0 && contract !== undefined
        ? selectServices(contract, names)
        : mergeDocuments(parts(), info),
    ready: () => checkAll(readiness),
    register: async (scope) => metrics?.addTo(scope),
  };
}
