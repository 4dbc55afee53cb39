import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { sqliteFile } from '../../src/framework/config/database-url.ts';
import { isLoopback } from '../../src/framework/config/exposure.ts';
import { isRepeated, listReferences, listVariables, type Variable, variable } from './references.ts';
import { hostOf } from './server-url.ts';
import { isServerReference, type RawConfig, type System } from './system.ts';

/** The folders of the containers. The Dockerfile creates them. */
export const folders = {
  /** The config, and beside it the registry of known databases. */
  config: '/config',
  /** The databases in SQLite. */
  data: '/data',
  temporary: '/tmp',
} as const;

/** The config file of all containers. */
export interface ContainerConfig {
  readonly text: string;
  /** Changes with the text. */
  readonly hash: string;
  /** The variables that the text refers to. */
  readonly variables: readonly Variable[];
}

/**
 * Writes the config for containers: apps listen on all addresses and call each other by their names, databases in SQLite
 * are on the volume, and the log goes to the console only. `${NAME}` stays as it is.
 * @param collector the URL of the collector that the manifests bring.
 */
export function writeContainerConfig(system: System, collector?: string): ContainerConfig {
  const { deploy: _, ...raw } = structuredClone(system.raw);
  const config: RawConfig = resolveRepeated(raw as RawConfig, system);
  if (config.log !== undefined) delete config.log.directory;
  if (config.traces !== undefined && collector !== undefined) config.traces.url = collector;
  if (config.hosts !== undefined && system.host !== undefined && !config.hosts.includes(system.host))
    config.hosts.push(system.host);
  for (const [name, service] of Object.entries(config.services)) {
    const [reference] = listReferences(service.database, `services.${name}.database`);
    if (sqliteFile(system.config.services[name]?.database) !== undefined) {
      const url = `sqlite:${folders.data}/${name}.db`;
      service.database = reference?.isWhole ? variable(`${reference.name}:-${url}`) : url;
    } else if (reference !== undefined && isServerReference(reference)) {
      // The default is for a laptop.
      service.database = variable(reference.name);
    }
  }
  for (const [name, app] of Object.entries(config.apps)) {
    delete app.deploy;
    app.host = app.host === '::' ? '::' : '0.0.0.0';
    app.url = `http://${name}:${app.port}`;
  }
  const text = stringify(config, { lineWidth: 0 });
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 10);
  return { text, hash, variables: listVariables(listReferences(config)) };
}

/** Replaces references by their defaults where manifests repeat the value. */
function resolveRepeated(raw: RawConfig, { config }: System): RawConfig {
  const resolved = Object.entries(raw).map(([key, value]) => [
    key,
    isRepeated(key) && listReferences(value).length > 0
      ? structuredClone(config[key as keyof typeof config])
      : value,
  ]);
  return Object.fromEntries(resolved);
}

/** Whether the collector of the config is on the machine of the server, so that a container cannot reach it. */
export function hasLocalCollector({ config }: System): boolean {
  const host = hostOf(config.traces?.url);
  return host !== undefined && isLoopback(host);
}
