import { resolve } from 'node:path';
import type { Static, TObject } from '@sinclair/typebox';
import type { ServiceConfig } from './app-schema.ts';
import { sqliteFile } from './database-url.ts';
import { parseDuration } from './duration.ts';
import { findConfigError } from './find-error.ts';
import { internalLimits } from './limits.ts';
import type { ConfigFile } from './schema.ts';

/** The parts of a service's definition that its config must match. */
export interface ConfiguredService {
  readonly name: string;
  /** Present if the service has a database. */
  readonly migrations?: unknown;
  /** Present if the service emits events. */
  readonly events?: unknown;
  /** The schema of `services.<name>.options`. */
  readonly options?: TObject;
}

/** The paths of the app itself, and its name in log entries and checks. */
const reservedNames = ['gateway', 'docs', 'health', 'ready', 'metrics'];

type Apps = Static<typeof ConfigFile>['apps'];
type Services = Static<typeof ConfigFile>['services'];

/**
 * Finds the first contradiction between several values, which the schema cannot express.
 * @param texts see `findConfigError`.
 */
export function findConflict(
  { services, apps, auth, internal }: Static<typeof ConfigFile>,
  known: ReadonlyMap<string, ConfiguredService>,
  texts: ReadonlyMap<string, string>,
): string | undefined {
  return (
    findServiceError(services, known, texts) ??
    findSharedFile(services) ??
    findAssignmentError(services, apps) ??
    findUnreachableApp(apps) ??
    findAuthError(auth, internal, services, apps)
  );
}

function findServiceError(
  services: Services,
  known: ReadonlyMap<string, ConfiguredService>,
  texts: ReadonlyMap<string, string>,
): string | undefined {
  for (const [name, config] of Object.entries(services)) {
    const service = known.get(name);
    if (service === undefined)
      return `services.${name} is not a service (known: ${[...known.keys()].join(', ')})`;
    if (reservedNames.includes(name))
      return `services.${name} has a name that the framework uses: give the service another name`;
    const hasDatabase = service.migrations !== undefined;
    if (hasDatabase && config.database === undefined) return `services.${name}.database is missing`;
    if (!hasDatabase && config.database !== undefined)
      return `services.${name}.database is set, but the service has no database`;
    if (service.events === undefined && config.events !== undefined)
      return `services.${name}.events is set, but the service has no events`;
    const error = applyOptions(service, config, texts);
    if (error !== undefined) return error;
  }
  return undefined;
}

/** Checks the options of a service and fills in their defaults. */
function applyOptions(
  { name, options }: ConfiguredService,
  config: Static<typeof ServiceConfig>,
  texts: ReadonlyMap<string, string>,
) {
  const path = `services.${name}.options`;
  if (options === undefined)
    return config.options === undefined ? undefined : `${path} is set, but the service has no options`;
  config.options ??= {};
  try {
    return findConfigError({ ...options, additionalProperties: false }, config.options, path, texts);
  } catch (error) {
    return `${path} has a schema that is not valid: ${(error as Error).message}`;
  }
}

/** Finds a file that two services share, because the migrations of the second service would be skipped. */
function findSharedFile(services: Services): string | undefined {
  const owners = new Map<string, string>();
  for (const [name, { database }] of Object.entries(services)) {
    const file = sqliteFile(database);
    if (file === undefined) continue;
    const path = resolve('/', file);
    const owner = owners.get(path);
    if (owner !== undefined) return `services.${name}.database is also the file of services.${owner}`;
    owners.set(path, name);
  }
  return undefined;
}

/** Finds a service that is not in exactly one app. */
function findAssignmentError(services: Services, apps: Apps): string | undefined {
  const assigned = new Map<string, string>();
  for (const [app, { services: names }] of Object.entries(apps)) {
    for (const name of names) {
      const path = `apps.${app}.services: ${name}`;
      if (!Object.hasOwn(services, name)) return `${path} is not under services`;
      const other = assigned.get(name);
      if (other !== undefined)
        return other === app ? `${path} is listed twice` : `${path} is also in apps.${other}`;
      assigned.set(name, app);
    }
  }
  const unassigned = Object.keys(services).find((name) => !assigned.has(name));
  return unassigned === undefined ? undefined : `services.${unassigned} is in no app`;
}

/** Finds an app without a fixed address: the gateway must reach every app, and a service may call a peer in any app. */
function findUnreachableApp(apps: Apps): string | undefined {
  const [gateway] = Object.keys(apps);
  const withServices = Object.entries(apps).filter(([, { services }]) => services.length > 0);
  const unreachable = withServices.find(
    ([app, { port, url }]) => port === 0 && url === undefined && (app !== gateway || withServices.length > 1),
  );
  if (unreachable === undefined) return undefined;
  return `apps.${unreachable[0]}.port is 0, but other apps must reach it: set a port or a url`;
}

function findAuthError(
  auth: Static<typeof ConfigFile>['auth'],
  { key, keys = {} }: Static<typeof ConfigFile>['internal'],
  services: Services,
  apps: Apps,
): string | undefined {
  const unknown = Object.keys(keys).find((name) => !Object.hasOwn(services, name));
  if (unknown !== undefined) return `internal.keys.${unknown} is not under services`;
  if (!auth) return undefined;
  const { issuer } = auth;
  if (!issuer.includes(':') && !Object.hasOwn(services, issuer))
    return `auth.issuer: ${issuer} is not under services: add it, or write the URL of an OpenID Connect provider`;
  if (issuer.startsWith('http:') && !/^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])[:/]?/.test(issuer))
    return 'auth.issuer must begin with https://, except on loopback';
  const written = services[issuer]?.options?.audience;
  if (auth.audience !== undefined && written !== undefined && written !== auth.audience)
    return `auth.audience is not services.${issuer}.options.audience, which the tokens have: leave it out`;
  const keep = services[issuer]?.events?.keep;
  if (keep !== undefined && parseDuration(keep) < internalLimits.accessTokenMs)
    return `services.${issuer}.events.keep must be at least 1d: apps read in the events of auth.issuer which sessions have ended`;
  // Without a common key, a service cannot prove its name to another app.
  if (Object.keys(apps).length > 1 && key === undefined)
    return 'internal.key is missing: with auth and several apps, services prove by it who they are';
  return undefined;
}
