import type { AddressInfo } from 'node:net';
import { Type } from '@sinclair/typebox';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { openNeighbour } from '#common/client.ts';
import { readRequestId } from '#common/context.ts';
import type { OpenApiDocument } from '#common/contract.ts';
import { type Database, openDatabase } from '#common/database.ts';
import type { Logging } from '#common/logger.ts';
import { answerProblem } from '#common/problem.ts';
import type { Service } from '#common/service.ts';
import { bodies } from './bodies.ts';
import type { AppConfig, Config, ServiceConfig } from './config.ts';
import { answerUnrouted, createClientErrorHandler, limits } from './connection.ts';
import { drain } from './drain.ts';
import { type Mountable, mount } from './mount.ts';
import { mergeDocuments, type Part } from './openapi.ts';
import { checkAll, checkReadiness, type Readiness } from './readiness.ts';
import { requests } from './requests.ts';
import { routerOptions, routing } from './routing.ts';
import { ajv, schemaController } from './validation.ts';

export interface AppOptions {
  readonly config: Config;
  /** Which app of the config this is. */
  readonly name: string;
  /** Every service that there is, by name. */
  readonly services: ReadonlyMap<string, Service>;
  readonly logging: Logging;
  /** The version that the documents give. */
  readonly version: string;
  /** The merged document, as generated; absent while it is being generated. */
  readonly contract?: OpenApiDocument;
}

/** One app: a server with its services, ready to listen. */
export interface App {
  readonly server: FastifyInstance;
  /** The documents of its services, each as the service has it. */
  documents(): Part[];
  /** Listens where the config says; resolves with the address, as `http://host:port`. */
  listen(): Promise<string>;
  /** Answers what is in flight, then closes everything. */
  stop(): Promise<void>;
}

/** How long `/ready` waits for a neighbour, in ms. */
const readyTimeout = 500;

/**
 * Builds an app of the config with its services, and opens their databases. It does not listen.
 * @throws {DatabaseError} where a database cannot be opened.
 */
export async function buildApp({
  config,
  name,
  services,
  logging,
  version,
  contract,
}: AppOptions): Promise<App> {
  const app = config.apps[name] as AppConfig;
  const log = logging.logger('gateway');
  const server = createServer(log);
  await server.register(requests);
  await server.register(drain);
  await server.register(routing);
  await server.register(bodies);

  const origin = () => ownOrigin(server);
  const documents: (() => Part)[] = [];
  const readiness = new Map<string, () => Promise<Readiness>>();
  for (const service of app.services) {
    const definition = services.get(service) as Service;
    const serviceConfig = config.services[service] as ServiceConfig;
    const mountable = await prepare(definition, serviceConfig);
    const document = await mount(server, mountable);
    documents.push(() => ({ service, prefix: mountable.prefix, document: document() }));
    readiness.set(service, mountable.ready);
  }
  const parts = () => documents.map((part) => part());
  await mount(server, gatewayMountable());
  await server.ready();

  async function prepare(service: Service, own: ServiceConfig): Promise<Mountable> {
    const { name, description } = service;
    const serviceLog = logging.logger(name, own.log?.level);
    let database: Database | undefined;
    if (own.database !== undefined) {
      database = openDatabase(own.database.slice('sqlite:'.length), service.migrations);
      server.addHook('onClose', async () => database?.close());
    }
    const neighbours: Record<string, () => Promise<boolean>> = {};
    return {
      name,
      prefix: `/${name}`,
      log: serviceLog,
      info: { title: name, version, description },
      home: serviceHome(name),
      ready: () => checkReadiness({ database: database?.check, neighbours }),
      register: async (scope) =>
        service.register(scope, {
          get database() {
            if (database === undefined) throw new Error(`The ${name} service has no database`);
            return database;
          },
          neighbour(other) {
            const { deadline } = config.calls;
            const opened = openNeighbour(other, { origin, document: contract, deadline });
            neighbours[other] = () => opened.isReachable(readyTimeout);
            server.addHook('onClose', opened.close);
            return opened.neighbour as never;
          },
          options: own.options ?? {},
          log: serviceLog,
        }),
    };
  }

  function gatewayMountable(): Mountable {
    const names = Object.keys(config.services);
    const info = {
      title: 'All services',
      version,
      description: 'Every service behind the gateway, in one document.',
    };
    return {
      name: 'gateway',
      prefix: '',
      log,
      info,
      home: gatewayHome(names),
      otherDocuments: Object.fromEntries(names.map((service) => [service, `/${service}/openapi.json`])),
      document: () => mergeDocuments(parts(), info),
      ready: () => checkAll(readiness),
      async register() {},
    };
  }

  return {
    server,
    documents: parts,
    async listen() {
      const listenTextResolver = (address: string) => `${name} listens at ${address}`;
      await server.listen({ host: app.host, port: app.port, listenTextResolver });
      return origin();
    },
    async stop() {
      await server.drain();
      await server.close();
    },
  };
}

function createServer(log: ReturnType<Logging['logger']>): FastifyInstance {
  const { headersTimeout, connectionsCheckingInterval, ...rest } = limits;
  const server = Fastify({
    ...rest,
    http: { headersTimeout, connectionsCheckingInterval },
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request) => readRequestId(request.headers),
    routerOptions,
    ajv,
    schemaController,
    return503OnClosing: false,
    frameworkErrors: answerUnrouted as never,
    clientErrorHandler: createClientErrorHandler(log),
  }) as unknown as FastifyInstance;
  server.setErrorHandler(answerProblem);
  return server;
}

/** Where this app reaches itself, whatever it is bound to. */
function ownOrigin(server: FastifyInstance): string {
  const { address, family, port } = server.server.address() as AddressInfo;
  const loopback = ({ '0.0.0.0': '127.0.0.1', '::': '::1' } as Record<string, string>)[address] ?? address;
  return `http://${family === 'IPv6' ? `[${loopback}]` : loopback}:${port}`;
}

function serviceHome(name: string): Mountable['home'] {
  const links = { docs: `/${name}/docs`, openapi: `/${name}/openapi.json` };
  return {
    schema: Type.Object(
      { name: Type.String(), docs: Type.String(), openapi: Type.String() },
      { description: 'Its name, and where its documents are', examples: [{ name, ...links }] },
    ),
    body: { name, ...links },
  };
}

function gatewayHome(services: readonly string[]): Mountable['home'] {
  return {
    schema: Type.Object({ message: Type.String(), services: Type.Array(Type.String()) }),
    body: { message: 'Gateway is running', services },
  };
}
