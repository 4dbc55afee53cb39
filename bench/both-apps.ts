/**
 * Runs two apps in one process, one with authentication and one without, because two processes of the same program
 * differ too much (measured: 0.64 to 1.47). Its argument is JSON: see `BothApps`. It is ready when it sends a message.
 */
import { readFileSync } from 'node:fs';
import { buildApp } from '../src/framework/app/app.ts';
import { loadServices } from '../src/framework/app/load-services.ts';
import { checkConfig } from '../src/framework/config/config.ts';
import { openLogging } from '../src/framework/logging/logger.ts';

export interface BothApps {
  /** The path of a config file that does not exist, in the folder of the databases. */
  readonly file: string;
  /** The config of each app, without `apps`. */
  readonly configs: readonly object[];
  /** The port of each app. */
  readonly ports: readonly number[];
}

const { file, configs, ports } = JSON.parse(process.argv[2] as string) as BothApps;
const services = await loadServices();
const contract = JSON.parse(readFileSync(new URL('../generated/openapi.json', import.meta.url), 'utf8'));
for (const [index, parts] of configs.entries()) {
  const apps = { gateway: { port: ports[index], services: ['pet', 'user'] } };
  const config = checkConfig({ ...parts, apps }, services, file);
  const { level, directory = '' } = config.log;
  const logging = await openLogging({ level, console: 'json', file: { directory, name: `app-${index}` } });
  const app = await buildApp({ config, name: 'gateway', services, logging, version: '0', contract });
  await app.listen();
}
process.send?.('ready');
