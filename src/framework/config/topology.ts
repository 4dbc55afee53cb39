import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type AppConfig, type Config, ConfigError } from './config.ts';

/** The name of the app that is the gateway: the first of the config. */
export function gatewayName(config: Config): string {
  return Object.keys(config.apps)[0] as string;
}

/** The app that runs a service. */
export function appOf(config: Config, service: string): string {
  const found = Object.entries(config.apps).find(([, { services }]) => services.includes(service));
  if (found === undefined) throw new Error(`No app runs the ${service} service`);
  return found[0];
}

/**
 * Checks that an app runs the peer that a service calls. `known` are the names of all services.
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

/** Where other apps reach an app, as `http://host:port`. */
export function addressOf({ url, host, port }: AppConfig): string {
  return url?.replace(/\/$/, '') ?? `http://${toConnectHost(host)}:${port}`;
}

/** Where an app reaches itself, whatever it is bound to. */
export function ownOrigin({ server }: FastifyInstance): string {
  const { address, port } = server.address() as AddressInfo;
  return `http://${toConnectHost(address)}:${port}`;
}

/** Whether only this machine reaches what is bound to a host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** What to say where other machines reach what is bound to a host, and the config has nothing on how it is open to them. */
export function exposureWarning({ limits, internal, ...config }: Config, host: string): string | undefined {
  const said = [
    limits.rate,
    internal.key,
    config.compress,
    config.proxies[0],
    config.origins[0],
    config.hosts,
  ];
  if (isLoopback(host) || !config.docs || said.some((value) => value !== undefined)) return undefined;
  return `${host} is open to other machines, and the config says nothing of limits.rate, origins, hosts, proxies, docs, compress or internal.key`;
}

/** A host as one connects to it: what listens everywhere is reached on loopback. */
export function toConnectHost(host: string): string {
  const loopback = ({ '0.0.0.0': '127.0.0.1', '::': '::1' } as Record<string, string>)[host] ?? host;
  return loopback.includes(':') ? `[${loopback}]` : loopback;
}

/**
 * Whether an app cannot tell the gateway and its peers from a client, because it has no key in common with them. Then it
 * leaves the rates to the gateway, and believes what its callers say of hops, deadlines and traces.
 */
export function hasNoCommonKey(config: Config, name: string): boolean {
  return name !== gatewayName(config) && config.internal.key === undefined;
}
