import { basename } from 'node:path';
import { ConfigError } from '../../src/framework/config/config.ts';
import { findOpenExposure, isLoopback } from '../../src/framework/config/exposure.ts';
import { isSecretName } from '../../src/framework/logging/redact.ts';
import { variable } from './references.ts';
import { hostOf, readServer } from './server-url.ts';
import type { DeployedApp, System } from './system.ts';

/**
 * @param secured the number of operations that need a credential.
 * @throws {ConfigError} if the system would not work, or would not be safe, as it is configured.
 */
export function assertDeployable(system: System, secured: number): void {
  const mistake =
    findAppMistake(system) ??
    findKeyMistake(system) ??
    findOpenExposure(system.config, secured) ??
    findReplicas(system) ??
    findWrittenSecret(system) ??
    findLocalServer(system);
  if (mistake !== undefined) throw new ConfigError(`${basename(system.config.file)}: ${mistake}`);
}

function findAppMistake({ config, apps }: System): string | undefined {
  for (const app of apps) {
    const mistake = describeApp(app, config.apps[app.name]?.host ?? '');
    if (mistake !== undefined) return `apps.${app.name}${mistake}`;
  }
  return undefined;
}

/** Names of services and of a NetworkPolicy that manifests add. */
const takenNames = ['collector', 'default-deny', 'postgres'];

function describeApp({ name, port }: DeployedApp, host: string): string | undefined {
  if (isLoopback(host)) return `.host: ${host} is not reachable from outside the container. Write 0.0.0.0`;
  if (port < 1024) return `.port: a container without privileges needs a port from 1024 on, not ${port}`;
  if (!/^[a-z][a-z0-9-]{0,51}(?<!-)$/.test(name))
    return ': the name of a host has at most 52 characters and does not end with "-"';
  if (takenNames.includes(name)) return `: the manifests use the name ${name}. Choose another`;
  return undefined;
}

function findKeyMistake({ config, apps }: System): string | undefined {
  if (apps.length === 1 || config.internal.key !== undefined) return undefined;
  return `internal.key is missing: apps in separate containers recognize each other by it. Write ${variable('INTERNAL_KEY')}`;
}

function findReplicas({ apps }: System): string | undefined {
  const app = apps.find(({ isStateful, replicas }) => isStateful && replicas > 1);
  if (app === undefined) return undefined;
  return `apps.${app.name}.deploy.replicas: ${app.replicas} replicas cannot share a database in SQLite. Use PostgreSQL, or instances`;
}

/** Finds a secret that is in the file itself. Every pod, and every reader of its ConfigMap, would see it. */
function findWrittenSecret({ raw }: System): string | undefined {
  const { key, keys = {} } = raw.internal ?? {};
  const written: [path: string, value: unknown][] = [
    ['internal.key', key],
    ...Object.entries(keys).map(([name, value]): [string, unknown] => [`internal.keys.${name}`, value]),
    ...Object.entries(raw.services).flatMap(([name, { database, options }]): [string, unknown][] => [
      [`services.${name}.database`, readServer(database)?.password],
      ...listSecretOptions(options, `services.${name}.options`),
    ]),
  ];
  // A default is in the file too.
  const found = written.find(([, value]) => value !== undefined && !/\$\{\w+\}/.test(String(value)));
  if (found === undefined) return undefined;
  return `${found[0]} holds a secret, which manifests must not contain. Write ${variable('NAME')}, and set the variable`;
}

/** Lists the options that hold a secret: by their names, and passwords in URLs. */
function listSecretOptions(value: unknown, path: string): [string, unknown][] {
  if (typeof value === 'string') return [[path, readServer(value)?.password]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]): [string, unknown][] =>
    isSecretName(key) && typeof item === 'string'
      ? [[`${path}.${key}`, item]]
      : listSecretOptions(item, `${path}.${key}`),
  );
}

function findLocalServer({ raw }: System): string | undefined {
  for (const [name, { database }] of Object.entries(raw.services)) {
    const host = hostOf(database);
    if (host === undefined || !isLoopback(host)) continue;
    return `services.${name}.database: ${host} is the container itself. Write ${variable('DATABASE_URL')}, or the name of the server`;
  }
  return undefined;
}
