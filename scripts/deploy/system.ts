import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { type AppConfig, type Config, readConfig } from '../../src/framework/config/config.ts';
import { isPostgresUrl, sqliteFile } from '../../src/framework/config/database-url.ts';
import { internalLimits } from '../../src/framework/config/limits.ts';
import { gatewayName } from '../../src/framework/config/topology.ts';
import type { Service } from '../../src/framework/service/define-service.ts';
import { root } from '../lib/command.ts';
import { assertReferences, listReferences, type Reference } from './references.ts';

/** Everything that manifests are made of. */
export interface System {
  /** The checked config. A variable without a default has a placeholder. */
  readonly config: Config;
  /** The parsed file, with `${NAME}` as written. */
  readonly raw: RawConfig;
  readonly references: readonly Reference[];
  readonly image: string;
  /** The version in package.json. */
  readonly version: string;
  readonly namespace: string;
  /** The host name of the Ingress. */
  readonly host: string | undefined;
  /** The apps in the order of the config, the gateway first. */
  readonly apps: readonly DeployedApp[];
}

/** An app, as it is deployed. */
export interface DeployedApp {
  readonly name: string;
  readonly isGateway: boolean;
  readonly port: number;
  readonly services: readonly string[];
  /** Whether it keeps files: a service of it is in SQLite. */
  readonly isStateful: boolean;
  readonly replicas: number;
  /** Whether the config says how many replicas there are. */
  readonly hasReplicas: boolean;
  readonly instances: number;
  readonly cpu: string;
  readonly memory: string;
  readonly storage: string;
  /** The names of the apps that call it. */
  readonly callers: readonly string[];
  /** The ms that its processes may take to stop. */
  readonly stopMs: number;
}

/** The parts of a config file that manifests change. */
export interface RawConfig {
  log?: { directory?: string };
  traces?: { url: string };
  hosts?: string[];
  internal?: { key?: string; keys?: Record<string, string> };
  deploy?: unknown;
  services: Record<string, { database?: string; options?: unknown }>;
  apps: Record<string, { host?: string; port: unknown; url?: string; deploy?: unknown }>;
  [key: string]: unknown;
}

/** A value that most schemas of a text accept: it has 16 characters, and it can be the URL of a mail server. */
const placeholder = 'smtps://placeholder.invalid';
/** The value of a variable that is part of a text, for example of a URL. */
const partPlaceholder = 'placeholder-of-a-part';

/**
 * Reads a config file without the environment, so that manifests are the same on every machine.
 * @throws {ConfigError} if the file has a mistake.
 */
export function readSystem(file: string, services: ReadonlyMap<string, Service>, image?: string): System {
  const raw = parseRaw(file);
  const references = listReferences(raw);
  assertReferences(file, references);
  const config = readConfig(file, services, createEnvironment(references));
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return {
    config,
    raw,
    references,
    image: image ?? config.deploy?.image ?? `${name}:${version}`,
    version,
    namespace: config.deploy?.namespace ?? name,
    host: config.deploy?.host,
    apps: Object.entries(config.apps).map(([app, values]) => describeApp(config, services, app, values)),
  };
}

/** Parses the file. Returns an empty map for a mistake, which `readConfig` then reports. */
function parseRaw(file: string): RawConfig {
  try {
    return parseDocument(readFileSync(file, 'utf8'), { logLevel: 'silent' }).toJS() ?? {};
  } catch {
    return {} as RawConfig;
  }
}

/** Returns a value for each variable that needs one. A database by a variable alone is in PostgreSQL. */
function createEnvironment(references: readonly Reference[]): Record<string, string> {
  const values = references
    .filter(({ standard, ...one }) => standard === undefined || isServerReference({ standard, ...one }))
    .map((one) => [one.name, placeholderOf(one)]);
  return Object.fromEntries(values);
}

function placeholderOf(reference: Reference): string {
  if (isServerReference(reference)) return `postgres://server/${reference.name}`;
  return reference.isWhole ? placeholder : partPlaceholder;
}

/** Whether a reference is the whole URL of a database in PostgreSQL. */
export function isServerReference({ path, isWhole, standard }: Reference): boolean {
  const isDatabase = isWhole && /^services\.[^.]+\.database$/.test(path);
  return isDatabase && (standard === undefined || isPostgresUrl(standard));
}

function describeApp(
  config: Config,
  services: ReadonlyMap<string, Service>,
  name: string,
  app: AppConfig,
): DeployedApp {
  const isStateful = app.services.some((service) => isInSqlite(config, service));
  const { instances } = app;
  return {
    name,
    isGateway: name === gatewayName(config),
    port: app.port,
    services: app.services,
    isStateful,
    replicas: app.deploy?.replicas ?? (isStateful ? 1 : 2),
    hasReplicas: app.deploy?.replicas !== undefined,
    instances,
    cpu: app.deploy?.cpu ?? '250m',
    memory: app.deploy?.memory ?? `${512 * instances}Mi`,
    storage: app.deploy?.storage ?? '1Gi',
    callers: listCallers(config, services, name, app.services),
    // The parent of instances kills an instance that hangs, and waits for that.
    stopMs: internalLimits.stopMs + (instances > 1 ? 3 * internalLimits.killMs : 0),
  };
}

/** Whether a service keeps its data in SQLite: in a file, or in memory. */
export function isInSqlite(config: Config, service: string): boolean {
  const url = config.services[service]?.database;
  return url !== undefined && (sqliteFile(url) !== undefined || !isPostgresUrl(url));
}

/** Lists the apps that call an app: the gateway, those of services that declare its services as peers, and verifiers. */
function listCallers(
  config: Config,
  services: ReadonlyMap<string, Service>,
  name: string,
  own: readonly string[],
): string[] {
  if (own.length === 0) return [];
  // Every app that verifies tokens reads the keys and the ended sessions of the issuer.
  const isIssuer = typeof config.auth === 'object' && own.includes(config.auth.issuer);
  return Object.entries(config.apps)
    .filter(([app]) => app !== name)
    .filter(([app, { services: theirs }]) => {
      const calls = theirs.flatMap((service) => services.get(service)?.peers ?? []);
      return app === gatewayName(config) || isIssuer || calls.some((peer) => own.includes(peer));
    })
    .map(([app]) => app);
}
