import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type AppConfig, type Config, ConfigError } from './config.ts';

/** Returns the name of the gateway: the first app of the config. */
export function gatewayName(config: Config): string {
  return Object.keys(config.apps)[0] as string;
}

/** Returns the name of an app in log entries and metrics. */
export function appLabel(config: Config, name: string): string {
  return name === gatewayName(config) ? 'gateway' : name;
}

export function appConfig(config: Config, name: string): AppConfig {
  const app = Object.hasOwn(config.apps, name) ? config.apps[name] : undefined;
  if (app === undefined) throw new Error(`There is no app ${name}`);
  return app;
}

/** Returns the name of the app that runs a service. */
export function appOf(config: Config, service: string): string {
  const found = Object.entries(config.apps).find(([, { services }]) => services.includes(service));
  if (found === undefined) throw new Error(`No app runs the ${service} service`);
  return found[0];
}

/**
 * Checks that an app runs the peer that a service calls.
 * @param known the names of all services.
 * @throws {ConfigError}
 */
export function checkPeer(config: Config, known: readonly string[], service: string, peer: string): void {
  if (!known.includes(peer)) {
    throw new ConfigError(`${service} calls ${peer}, which is not a service (known: ${known.join(', ')})`);
  }
  const isRun = Object.values(config.apps).some(({ services }) => services.includes(peer));
  if (isRun) return;
  const fix = `add ${peer} to services and to the services of an app`;
  throw new ConfigError(`${basename(config.file)}: ${service} calls ${peer}, which no app runs: ${fix}`);
}

/** Returns the origin at which other apps reach an app: `http://host:port`. */
export function addressOf({ url, host, port }: AppConfig): string {
  return url?.replace(/\/$/, '') ?? `http://${toConnectHost(host)}:${port}`;
}

/** Returns the origin at which an app reaches itself. */
export function ownOrigin({ server }: FastifyInstance): string {
  const { address, port } = server.address() as AddressInfo;
  return `http://${toConnectHost(address)}:${port}`;
}

/** Returns the host to connect to for a host to listen on: loopback for the unspecified address. */
export function toConnectHost(host: string): string {
  const loopback = ({ '0.0.0.0': '127.0.0.1', '::': '::1' } as Record<string, string>)[host] ?? host;
  return loopback.includes(':') ? `[${loopback}]` : loopback;
}
