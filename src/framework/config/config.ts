import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Static, TObject } from '@sinclair/typebox';
import { parseDocument } from 'yaml';
import { expandVariables } from './interpolation.ts';
import {
  type AppConfig as AppSchema,
  ConfigFile,
  findConfigError,
  type ServiceConfig as ServiceSchema,
} from './schema.ts';

/** A mistake in the config file, in one line that names the place. */
export class ConfigError extends Error {}

export type AppConfig = Static<typeof AppSchema>;
export type ServiceConfig = Static<typeof ServiceSchema>;
/** The whole config, checked. Paths are absolute; `apps` is in the order of the file, the gateway first. */
export type Config = Static<typeof ConfigFile> & { readonly file: string };

/** The part of a service's definition that its config must match. */
export interface ConfiguredService {
  readonly name: string;
  /** Present if the service has a database. */
  readonly migrations?: unknown;
  /** The schema of `services.<name>.options`. */
  readonly options?: TObject;
}

/**
 * Reads a config file and checks it whole.
 * @param services every service that there is, by name.
 * @param environment for `${NAME}` in the file's values.
 * @throws {ConfigError}
 */
export function readConfig(
  file: string,
  services: ReadonlyMap<string, ConfiguredService>,
  environment: Readonly<Record<string, string | undefined>>,
): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new ConfigError(`${file}: ${missing ? 'there is no such file' : 'the file cannot be read'}`);
  }
  return checkConfig(parse(text, file, environment), services, file);
}

/** Checks a config that has been parsed, and fills in the defaults. `file` names it in errors, and is its place. */
export function checkConfig(
  parsed: unknown,
  services: ReadonlyMap<string, ConfiguredService>,
  file: string,
): Config {
  const fault =
    findConfigError(ConfigFile, parsed) ?? findConflict(parsed as Static<typeof ConfigFile>, services);
  if (fault !== undefined) throw new ConfigError(`${basename(file)}: ${fault}`);
  const config = parsed as Static<typeof ConfigFile>;
  const place = (path: string) => resolve(dirname(file), path);
  if (config.log.directory !== undefined) config.log.directory = place(config.log.directory);
  for (const service of Object.values(config.services)) {
    const path = service.database?.slice('sqlite:'.length);
    if (path !== undefined && path !== ':memory:') service.database = `sqlite:${place(path)}`;
  }
  return deepFreeze({ ...config, file });
}

function parse(
  text: string,
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): unknown {
  const document = parseDocument(text, { prettyErrors: true, logLevel: 'error' });
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigError(`${basename(file)}: ${error.message.split('\n', 1)[0]}`);
  const fault = (message: string) => new ConfigError(`${basename(file)}: ${message}`);
  let parsed: unknown;
  try {
    parsed = document.toJS();
  } catch (error) {
    throw fault((error as Error).message);
  }
  return expandVariables(parsed, environment, fault);
}

/** What the schema cannot say: what is right by itself and does not go together. */
function findConflict(
  config: Static<typeof ConfigFile>,
  services: ReadonlyMap<string, ConfiguredService>,
): string | undefined {
  const known = `known: ${[...services.keys()].join(', ')}`;
  const files = new Map<string, string>();
  for (const [name, { database, options }] of Object.entries(config.services)) {
    const service = services.get(name);
    if (service === undefined) return `services.${name} is not a service (${known})`;
    if (service.migrations !== undefined && database === undefined)
      return `services.${name}.database is missing`;
    if (service.migrations === undefined && database !== undefined) {
      return `services.${name}.database is given, but the service has none`;
    }
    const optionsFault = findOptionsFault(service, options, config.services[name] as ServiceConfig);
    if (optionsFault !== undefined) return optionsFault;
    if (database === undefined || database === 'sqlite::memory:') continue;
    const path = resolve('/', database.slice('sqlite:'.length));
    const other = files.get(path);
    if (other !== undefined) return `services.${name}.database is the file of services.${other} too`;
    files.set(path, name);
  }

  const homes = new Map<string, string>();
  for (const [app, { services: names }] of Object.entries(config.apps)) {
    for (const name of names) {
      if (!Object.hasOwn(config.services, name))
        return `apps.${app}.services: ${name} is not among the services`;
      const home = homes.get(name);
      if (home === app) return `apps.${app}.services: ${name} is there twice`;
      if (home !== undefined) return `apps.${app}.services: ${name} is in apps.${home} too`;
      homes.set(name, app);
    }
  }
  const homeless = Object.keys(config.services).find((name) => !homes.has(name));
  if (homeless !== undefined) return `services.${homeless} is in no app`;

  // The gateway must reach every app that runs services; such an app perhaps a neighbour in any other.
  const [gateway] = Object.keys(config.apps);
  const busy = Object.keys(config.apps).filter((app) => config.apps[app]?.services.length !== 0);
  for (const app of busy) {
    const { port, url } = config.apps[app] as AppConfig;
    const isSought = app !== gateway || busy.length > 1;
    if (port === 0 && url === undefined && isSought) {
      return `apps.${app}.port is 0, and other apps must reach it: give it a port, or a url`;
    }
  }
  return undefined;
}

function findOptionsFault(
  service: ConfiguredService,
  options: unknown,
  config: ServiceConfig,
): string | undefined {
  const place = `services.${service.name}.options`;
  if (service.options === undefined) {
    return options === undefined ? undefined : `${place} is given, but the service has none`;
  }
  config.options ??= {};
  return findConfigError({ ...service.options, additionalProperties: false }, config.options, place);
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
