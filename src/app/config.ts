import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Ajv, type ErrorObject } from 'ajv';
import { parseDocument } from 'yaml';
import { levels } from '#common/logger.ts';
import type { Service } from '#common/service.ts';
import { expandVariables } from './environment.ts';

/** A mistake in the config file, in one line that names the place. */
export class ConfigError extends Error {}

// One schema is the check, the type and, by `description`, the words of the error: "… must be <description>".
const closed = { additionalProperties: false, description: 'a map' };
const level = Type.Union(
  levels.map((name) => Type.Literal(name)),
  { description: `one of ${levels.join(', ')}` },
);
const name = '^[a-z][a-z0-9-]*$';

const ServiceConfig = Type.Object(
  {
    database: Type.Optional(
      Type.String({ pattern: '^sqlite:.+', description: '"sqlite:" and a path, or "sqlite::memory:"' }),
    ),
    log: Type.Optional(Type.Object({ level }, closed)),
    options: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'a map' })),
  },
  closed,
);

const AppConfig = Type.Object(
  {
    host: Type.String({ minLength: 1, default: '127.0.0.1', description: 'a host name or an address' }),
    port: Type.Integer({ minimum: 0, maximum: 65535, description: 'an integer from 0 to 65535' }),
    instances: Type.Integer({ minimum: 1, maximum: 64, default: 1, description: 'an integer from 1 to 64' }),
    url: Type.Optional(
      Type.String({
        pattern: '^https?://[^/?#@\\s]+/?$',
        format: 'address',

        description: 'an address like http://host:port',
      }),
    ),
    services: Type.Array(Type.String({ description: 'the name of a service' }), {
      description: 'a list of names of services',
    }),
  },
  closed,
);

const ConfigFile = Type.Object(
  {
    log: Type.Object(
      {
        level: Type.Unsafe<Static<typeof level>>({ ...level, default: 'info' }),
        directory: Type.Optional(Type.String({ minLength: 1, description: 'the path of a folder' })),
      },
      { ...closed, default: {} },
    ),
    calls: Type.Object(
      {
        deadline: Type.Integer({
          minimum: 1,
          maximum: 60_000,
          default: 1_000,
          description: 'an integer from 1 to 60000, in ms',
        }),
      },
      { ...closed, default: {} },
    ),
    services: Type.Record(Type.String({ pattern: name }), ServiceConfig, closed),
    apps: Type.Record(Type.String({ pattern: name }), AppConfig, { ...closed, minProperties: 1 }),
  },
  closed,
);

export type AppConfig = Static<typeof AppConfig>;
export type ServiceConfig = Static<typeof ServiceConfig>;
/** The whole config, checked. Paths are absolute; `apps` is in the order of the file, the gateway first. */
export type Config = Static<typeof ConfigFile> & { readonly file: string };

/**
 * Reads a config file and checks it whole.
 * @param services every service that there is, by name.
 * @param environment for `${NAME}` in the file's values.
 * @throws {ConfigError}
 */
export function readConfig(
  file: string,
  services: ReadonlyMap<string, Service>,
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
export function checkConfig(parsed: unknown, services: ReadonlyMap<string, Service>, file: string): Config {
  const fault = findFault(ConfigFile, parsed) ?? findConflict(parsed as Static<typeof ConfigFile>, services);
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
  const document = parseDocument(text, { prettyErrors: true });
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

const ajv = new Ajv({ verbose: true, useDefaults: true, allowUnionTypes: true });
ajv.addFormat('address', (text) => URL.canParse(text));

/** The first place where `value` does not fit, in words; fills in the defaults. */
function findFault(schema: TSchema, value: unknown, root = ''): string | undefined {
  const check = ajv.compile(schema);
  if (check(value)) return undefined;
  const error = (check.errors ?? []).find(({ keyword }) => keyword !== 'const') as ErrorObject;
  const place = [root, ...error.instancePath.split('/').slice(1)].filter((part) => part !== '').join('.');
  const inPlace = (key: string) => (place === '' ? key : `${place}.${key}`);
  if (error.keyword === 'required') return `${inPlace(error.params.missingProperty)} is missing`;
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params.additionalProperty);
    const known = Object.keys(error.parentSchema?.properties ?? {});
    if (known.length === 0) return `${inPlace(key)} is not a name: lower-case letters, digits and "-"`;
    return `${inPlace(key)} is not a known key (known: ${known.join(', ')})`;
  }
  if (error.keyword === 'minProperties') return `${place} must have at least one entry`;
  return `${place === '' ? 'the file' : place} ${requirement(error)}`;
}

/** In words: "must be an integer from 0 to 65535"; of a schema without a description, what Ajv says. */
function requirement({ parentSchema, message }: ErrorObject): string {
  return parentSchema?.description === undefined ? String(message) : `must be ${parentSchema.description}`;
}

/** What the schema cannot say: what is right by itself and does not go together. */
function findConflict(
  config: Static<typeof ConfigFile>,
  services: ReadonlyMap<string, Service>,
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

function findOptionsFault(service: Service, options: unknown, config: ServiceConfig): string | undefined {
  const place = `services.${service.name}.options`;
  if (service.options === undefined) {
    return options === undefined ? undefined : `${place} is given, but the service has none`;
  }
  config.options ??= {};
  return findFault({ ...service.options, additionalProperties: false }, config.options, place);
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
