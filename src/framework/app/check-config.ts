import { basename } from 'node:path';
import { type Config, ConfigError } from '../config/config.ts';
import { isPostgresUrl } from '../config/database-url.ts';
import { checkPeer } from '../config/topology.ts';
import { knownName, parsePostgresUrl } from '../database/postgres/url.ts';
import { selectServices } from '../openapi/merge.ts';
import { assertProtected } from './assert-protected.ts';
import type { AppOptions } from './runtime.ts';

/**
 * Checks what `readConfig` cannot check, before anything is opened. It checks every service of the config, also of other
 * apps, because every host has the same config.
 * @throws {ConfigError}
 */
export function checkWholeConfig({ config, services, contract }: AppOptions): void {
  for (const name of Object.keys(config.services)) {
    for (const peer of services.get(name)?.peers ?? []) checkPeer(config, [...services.keys()], name, peer);
  }
  checkServerDatabases(config);
  if (contract !== undefined)
    assertProtected(config, [selectServices(contract, Object.keys(config.services))]);
}

/** Checks the URLs of databases in PostgreSQL, and that no two services have the same schema. */
function checkServerDatabases({ services, file }: Config): void {
  const owners = new Map<string, string>();
  for (const [name, { database }] of Object.entries(services)) {
    if (database === undefined || !isPostgresUrl(database)) continue;
    const path = `${basename(file)}: services.${name}.database`;
    const schema = readSchema(database, name, path);
    const owner = owners.get(schema);
    if (owner !== undefined) throw new ConfigError(`${path} is also the schema of services.${owner}`);
    owners.set(schema, name);
  }
}

function readSchema(url: string, service: string, path: string): string {
  try {
    return knownName(parsePostgresUrl(url, service));
  } catch (error) {
    throw new ConfigError(`${path}: ${(error as Error).message}`);
  }
}
