import type { Config } from './config.ts';
import { defaultRate } from './limits.ts';
import { appConfig, gatewayName } from './topology.ts';

/** Whether a host is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Returns a warning if other machines can reach an app and the config has no setting about that. */
export function exposureWarning(config: Config, name: string): string | undefined {
  const { limits, internal, docs, compress, proxies, origins, hosts } = config;
  const settings = [limits.rate, internal.key, compress, proxies[0], origins[0], hosts];
  if (isLoopback(appConfig(config, name).host) || !docs) return undefined;
  if (settings.some((value) => value !== undefined)) return undefined;
  return 'listening on a non-loopback address with default settings: review limits.rate, origins, hosts, proxies, docs, compress and internal.key';
}

/** Returns the number of requests that a client of an app may send per minute. 0: no limit. */
export function rateOf(config: Config, name: string): number {
  if (trustsAllCallers(config, name)) return 0;
  return config.limits.rate ?? (isLoopback(appConfig(config, name).host) ? 0 : defaultRate);
}

/**
 * Returns which requests to an app count as requests of other apps: none, those with the internal credential, or all.
 * `all`: the apps have no common credential, so the app trusts each caller.
 */
export function callersOf(config: Config, name: string): 'none' | 'credential' | 'all' {
  if (Object.keys(config.apps).length === 1 || appConfig(config, name).services.length === 0) return 'none';
  return trustsAllCallers(config, name) ? 'all' : 'credential';
}

/**
 * Whether an app cannot distinguish the gateway and peers from a client, because the config has no `internal.key`. The
 * app then leaves rate limits to the gateway and accepts hops, deadlines and traces from every caller.
 */
export function trustsAllCallers(config: Config, name: string): boolean {
  return name !== gatewayName(config) && config.internal.key === undefined;
}

/**
 * Returns the mistake of a config that lets other machines reach protected operations and does not set `auth`.
 * @param secured the number of operations that need a credential.
 */
export function findOpenExposure({ auth, apps }: Config, secured: number): string | undefined {
  if (auth !== undefined || secured === 0) return undefined;
  const exposed = Object.entries(apps).find(([, { host }]) => !isLoopback(host));
  if (exposed === undefined) return undefined;
  return `apps.${exposed[0]}.host: other machines reach ${secured} operations that need a credential, and auth is missing: configure it, or write auth: false`;
}
