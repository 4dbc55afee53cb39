import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type DestinationStream, type Logger, pino } from 'pino';
import { currentContext } from './context.ts';
import { openRotatingFile } from './rotating-file.ts';

export type { Logger } from 'pino';

/** The levels that a config may name, from all to nothing. */
export const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type Level = (typeof levels)[number];

export interface LoggingOptions {
  /** Of every service that has none of its own. */
  readonly level: Level;
  /** Where the lines go beside the console: `<directory>/<name>.jsonl`. None: nowhere. */
  readonly file?: { readonly directory: string; readonly name: string };
  /** `pretty` for a person at a terminal, `json` for a program. */
  readonly console: 'pretty' | 'json' | 'none';
  /** More places for the lines. */
  readonly streams?: readonly DestinationStream[];
}

/** The log of one process. */
export interface Logging {
  /** The logger of a service; each of its lines has that `service` and no other. */
  logger(service: string, level?: Level): Logger;
}

const secrets = ['authorization', 'cookie', 'set-cookie', 'password', 'token', 'secret'];

/** Opens the log of this process. Lines are written in the background, in order, and to the last when it ends. */
export async function openLogging(options: LoggingOptions): Promise<Logging> {
  const streams: DestinationStream[] = [...(options.streams ?? [])];
  if (options.console !== 'none') streams.push(await openConsole(options.console));
  if (options.file !== undefined) {
    mkdirSync(options.file.directory, { recursive: true });
    streams.push(openRotatingFile(join(options.file.directory, `${options.file.name}.jsonl`)));
  }
  const root = pino(
    {
      base: null,
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: secrets.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.headers["${key}"]`]),
        censor: '[redacted]',
      },
    },
    {
      write(line: string) {
        for (const stream of streams) stream.write(line);
      },
    },
  );
  return {
    logger: (service, level = options.level) => root.child({ service }, { level }),
  };
}

async function openConsole(form: 'pretty' | 'json'): Promise<DestinationStream> {
  const stdout = pino.destination({ dest: 1, sync: form === 'pretty' });
  if (form === 'json') return stdout;
  // Only a person at a terminal pays for this import.
  const { prettyFactory } = await import('pino-pretty');
  const prettify = prettyFactory({
    colorize: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'service,reqId,method,path,route,status,ms',
    messageFormat(line, messageKey) {
      const { service, reqId, method, path, status, ms } = line;
      const access = method === undefined ? '' : ` ${method} ${path} ${status} ${ms}ms`;
      return `[${service}]${reqId === undefined ? '' : ` (${reqId})`} ${line[messageKey]}${access}`;
    },
  });
  return {
    write(line) {
      stdout.write(prettify(line));
    },
  };
}

let fallback: Logger | undefined;

/**
 * The logger of the service and the request whose code is running, wherever it is called. Where neither is
 * known (a module while it is imported), the process's own, as `gateway`.
 */
export function getLogger(): Logger {
  const context = currentContext();
  if (context !== undefined) return context.log;
  fallback ??= pino({ base: { service: 'gateway' } });
  return fallback;
}
