import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import closeWithGrace from 'close-with-grace';
import { runAs } from '#common/context.ts';
import type { OpenApiDocument } from '#common/contract.ts';
import { DatabaseError } from '#common/database.ts';
import { type Logging, openLogging } from '#common/logger.ts';
import type { Service } from '#common/service.ts';
import { buildApp } from './app.ts';
import { type AppConfig, type Config, ConfigError, readConfig } from './config.ts';
import { loadServices } from './services.ts';

const help = `Usage: npm start -- [--config FILE] [--app NAME]

  --config FILE   the config file (config.yaml)
  --app NAME      the app of the config file to start (its first one)
  --help          this text
  --version       the version
`;

/** How long what is in flight may take to end, in ms, before the process ends all the same. */
const stopTimeout = 10_000;

/** A wrong argument: one line, exit code 2. */
class UsageError extends Error {}
/** What kept the app from starting: one line, exit code 1. */
class StartError extends Error {}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isMistake = error instanceof UsageError || error instanceof ConfigError;
  const isTold = isMistake || error instanceof DatabaseError || error instanceof StartError;
  console.error(isTold ? error.message : error);
  process.exit(isMistake ? 2 : 1);
}

async function main(args: string[]): Promise<void> {
  const values = readArguments(args);
  const { version } = readJson<{ version: string }>('../../package.json');
  if (values.help) return console.log(help);
  if (values.version) return console.log(version);

  const services = await loadServices();
  const config = readConfig(values.config, services, process.env);
  const name = values.app ?? (Object.keys(config.apps)[0] as string);
  if (config.apps[name] === undefined) {
    throw new UsageError(
      `--app ${name}: ${values.config} has no such app (${Object.keys(config.apps).join(', ')})`,
    );
  }

  const { level, directory } = config.log;
  const logging = await openLogging({
    level,
    console: process.stdout.isTTY ? 'pretty' : 'json',
    ...(directory !== undefined && { file: { directory, name } }),
  });
  process.on('exit', logging.flush);
  const log = logging.logger('gateway');
  await runAs('gateway', 'start', log, () => start(config, name, services, logging, version));
}

async function start(
  config: Config,
  name: string,
  services: ReadonlyMap<string, Service>,
  logging: Logging,
  version: string,
): Promise<void> {
  const log = logging.logger('gateway');
  const contract = readJson<OpenApiDocument>('../../generated/openapi.json');
  const app = await buildApp({ config, name, services, logging, version, contract });

  closeWithGrace({ delay: stopTimeout, logger: log }, async ({ err, signal }) => {
    if (err !== undefined) log.fatal({ err }, 'stopping after an error that nothing caught');
    else log.info(`stopping on ${signal}`);
    await app.stop();
    log.info('stopped');
  });

  const { host, port } = config.apps[name] as AppConfig;
  const origin = await app.listen().catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') {
      const mend = `change apps.${name}.port in ${config.file}`;
      throw new StartError(`port ${port} of ${host} is in use: ${mend}`);
    }
    throw error;
  });
  log.info(`docs of all services at ${origin}/docs`);
  for (const service of (config.apps[name] as AppConfig).services) {
    log.info(`docs of ${service} at ${origin}/${service}/docs`);
  }
}

function readArguments(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        config: { type: 'string', default: 'config.yaml' },
        app: { type: 'string' },
        help: { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ', 1)[0]}: see --help`);
  }
}

function readJson<Content>(path: string): Content {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}
