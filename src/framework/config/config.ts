import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Static } from '@sinclair/typebox';
import { parseDocument, type YAMLError } from 'yaml';
import type { AppConfig as AppSchema, ServiceConfig as ServiceSchema } from './app-schema.ts';
import { type ConfiguredService, findConflict } from './consistency.ts';
import { sqliteFile, sqliteUrl } from './database-url.ts';
import { findConfigError } from './find-error.ts';
import { expandVariables } from './interpolation.ts';
import { ConfigFile } from './schema.ts';

/** A mistake in the config file. The message is one line that names the path in the file. */
export class ConfigError extends Error {}

export type AppConfig = Static<typeof AppSchema>;
export type ServiceConfig = Static<typeof ServiceSchema>;
/** The complete config, checked. Paths are absolute. `apps` has the order of the file, the gateway first. */
export type Config = Static<typeof ConfigFile> & { readonly file: string };

/**
 * Reads a config file and checks it completely.
 * @param services all services of the product, by name.
 * @param environment the variables for `${NAME}` in values.
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
  const { value, texts } = parse(text, file, environment);
  return checkConfig(value, services, file, texts);
}

/**
 * Checks a parsed config and fills in the defaults.
 * @param file names the config in errors. Its folder is the start of relative paths.
 * @param texts see `findConfigError`.
 * @throws {ConfigError}
 */
export function checkConfig(
  parsed: unknown,
  services: ReadonlyMap<string, ConfiguredService>,
  file: string,
  texts: ReadonlyMap<string, string> = new Map(),
): Config {
  const error =
    findConfigError(ConfigFile, parsed, '', texts) ??
    findConflict(parsed as Static<typeof ConfigFile>, services, texts);
  if (error !== undefined) throw new ConfigError(`${basename(file)}: ${error}`);
  const config = parsed as Static<typeof ConfigFile>;
  const toAbsolute = (path: string) => resolve(dirname(file), path);
  if (config.log.directory !== undefined) config.log.directory = toAbsolute(config.log.directory);
  for (const service of Object.values(config.services)) {
    const path = sqliteFile(service.database);
    if (path !== undefined) service.database = sqliteUrl(toAbsolute(path));
  }
  return deepFreeze({ ...config, file });
}

function parse(text: string, file: string, environment: Readonly<Record<string, string | undefined>>) {
  const document = parseDocument(text, { prettyErrors: true, logLevel: 'error' });
  const toError = (message: string) => new ConfigError(`${basename(file)}: ${message}`);
  const [error] = document.errors;
  if (error !== undefined) throw toError(describeYamlError(error, text));
  let parsed: unknown;
  try {
    parsed = document.toJS();
  } catch (error) {
    throw toError((error as Error).message);
  }
  return expandVariables(parsed, environment, toError);
}

function describeYamlError({ code, message, linePos }: YAMLError, text: string): string {
  if (code === 'MULTIPLE_DOCS') return 'there are several documents: keep one';
  const line = text.split('\n')[(linePos?.[0].line ?? 1) - 1];
  // In a map in braces, the brace of an unquoted variable begins another map.
  const hint = line?.includes('${') ? ': write the variable in quotes' : '';
  return `${(message.split('\n', 1)[0] as string).replace(/:$/, '')}${hint}`;
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
