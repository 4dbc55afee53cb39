import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { type AppConfig, ConfigError, readConfig } from '../config/config.ts';
import { internalLimits } from '../config/limits.ts';
import { appConfig, appLabel, gatewayName } from '../config/topology.ts';
import { runAs } from '../context/context.ts';
import { DatabaseError } from '../database/database-error.ts';
import { knownDatabasesFile } from '../database/known-databases.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import { generateSecret } from '../http/internal-caller.ts';
import { type Logger, openLogging } from '../logging/logger.ts';
import { linkMetrics } from '../metrics/cluster.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import { type App, type AppOptions, buildApp } from './app.ts';
import { readArguments, UsageError } from './arguments.ts';
import { notifyListening, stopGracefully } from './graceful-stop.ts';
import { InstanceError, type StopMode } from './instance-processes.ts';
import { openInstances } from './instances.ts';
import { loadServices, type ServiceImports } from './load-services.ts';
import { describeListenError, describeLogError, StartError } from './start-errors.ts';

const help = `Usage: npm start -- [--config FILE] [--app NAME] [--pretty]

  --config FILE   the config file (config.yaml)
  --app NAME      the app of the config file to start (its first one)
  --pretty        readable log lines, even if the console is not a terminal
  --help          this text
  --version       the version
`;

/** Runs the command line of this process. If the start fails, prints the error and exits. A known error is one line. */
export async function run(imports: ServiceImports): Promise<void> {
  try {
    await main(imports);
  } catch (error) {
    // The instance has already printed the reason.
    if (error instanceof InstanceError) process.exit(error.code);
    const isMistake = error instanceof UsageError || error instanceof ConfigError;
    const explained = [DatabaseError, DefinitionError, StartError];
    const isExplained = isMistake || explained.some((known) => error instanceof known);
    console.error(isExplained ? (error as Error).message : error);
    process.exit(isMistake ? 2 : 1);
  }
}

async function main(imports: ServiceImports): Promise<void> {
  const { values } = readArguments({
    config: { type: 'string', default: 'config.yaml' },
    app: { type: 'string' },
    pretty: { type: 'boolean', default: false },
    version: { type: 'boolean', default: false },
  });
  const { version } = readJson<{ version: string }>('../../../package.json');
  if (values.help) return console.log(help);
  if (values.version) return console.log(version);

  const services = await loadServices(imports);
  const config = readConfig(values.config, services, process.env);
  const name = values.app ?? gatewayName(config);
  const app = config.apps[name];
  if (app === undefined || !Object.hasOwn(config.apps, name)) {
    const known = Object.keys(config.apps).join(', ');
    throw new UsageError(`Unknown app ${name}: the apps of ${values.config} are ${known}`);
  }

  const { level, directory } = config.log;
  const instance = process.env.MONOLITH_INSTANCE;
  const file = instance === undefined ? name : `${name}-${instance}`;
  const logging = await openLogging({
    level,
    console: values.pretty || isatty(1) ? 'pretty' : 'json',
    ...(directory !== undefined && { file: { directory, name: file } }),
  }).catch((error: NodeJS.ErrnoException) => {
    throw describeLogError(error, config);
  });
  process.on('exit', logging.flush);
  const label = appLabel(config, name);
  const log = logging.logger(label);
  await runAs(label, 'start', log, async () => {
    if (app.instances > 1 && cluster.isPrimary) return superviseInstances(app, label, log);
    const contract = readJson<OpenApiDocument>('../../../generated/openapi.json');
    const record = knownDatabasesFile(config.file);
    const key = process.env.MONOLITH_KEY;
    const options = { config, name, services, logging, version, contract, record };
    await serve(key === undefined ? options : { ...options, key }, log);
  });
}

/** ms that a stop waits until the app is built, which may wait for a database for a minute. A migration rolls back. */
const builtMs = 2_000;

/** Runs the app in this process. */
async function serve(options: AppOptions, log: Logger): Promise<void> {
  let mode: StopMode = 'refuse';
  let isStopping = false;
  const built = createApp(options);
  const started = startApp(built, options, () => isStopping);
  const grace = stopGracefully({
    log,
    async stop() {
      isStopping = true;
      // The error of a failed start is thrown below. The app stops also while its services do their work at start.
      const app = await Promise.race([built.catch(() => undefined), sleep(builtMs, undefined)]);
      await app?.stop(mode);
    },
  });
  if (cluster.isWorker) {
    process.on('message', (sent: StopMode | object) => {
      if (typeof sent === 'object') return;
      mode = sent;
      grace.close();
    });
  }
  const { origin } = await started.catch((error) => {
    if (isStopping) return { origin: undefined };
    throw error;
  });
  notifyListening();
  // Write the compile cache now, because a killed process would not write it.
  setImmediate(flushCompileCache);
  const { config, name } = options;
  if (!config.docs || origin === undefined || isStopping) return;
  const isGateway = name === gatewayName(config);
  log.info({ url: `${origin}/docs` }, isGateway ? 'docs of all services' : 'docs of this app');
  for (const service of appConfig(config, name).services)
    log.info({ url: `${origin}/${service}/docs` }, 'docs of a service');
}

/** Builds the app. Publishes its metrics to the other instances, if there are any. */
async function createApp(options: AppOptions): Promise<App> {
  const link = cluster.isWorker && options.config.metrics ? linkMetrics(process) : undefined;
  const number = process.env.MONOLITH_INSTANCE;
  const app = await buildApp(link === undefined ? options : { ...options, instance: { number, ...link } });
  if (app.metrics !== undefined) link?.publish(app.metrics);
  return app;
}

/** Listens when the app is built, unless a stop signal arrives first. */
async function startApp(built: Promise<App>, { config, name }: AppOptions, isStopping: () => boolean) {
  const app = await built;
  // A database that waits for a lock blocks the event loop. The loop handles pending signals in its second turn.
  for (let turns = 0; turns < 2; turns += 1) await nextTurn();
  if (isStopping()) return { origin: undefined };
  const origin = await app.listen().catch((error: NodeJS.ErrnoException) => {
    if (isStopping()) return undefined;
    throw describeListenError(error, config, name);
  });
  return { origin };
}

/** Starts and supervises the instances of an app. This process serves no requests. */
async function superviseInstances(
  { instances: count }: AppConfig,
  label: string,
  log: Logger,
): Promise<void> {
  const instances = openInstances({ label, count, log, key: generateSecret() });
  process.on('exit', () => instances.kill());
  let isStopping = false;
  stopGracefully({
    log,
    // Longer than the timeout of an instance, so this process kills an instance that hangs before it exits itself.
    timeoutMs: internalLimits.stopMs + 3 * internalLimits.killMs,
    reload: () => void instances.replace(),
    async stop() {
      isStopping = true;
      await instances.stop();
    },
  });
  try {
    await instances.start();
  } catch (error) {
    await instances.stop();
    throw error;
  }
  if (isStopping) return;
  notifyListening();
  log.info({ instances: count }, 'the instances share the port; SIGHUP replaces them one by one');
}

function readJson<Content>(path: string): Content {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}
