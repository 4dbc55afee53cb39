import { join } from 'node:path';
import { type DestinationStream, type Logger, pino } from 'pino';
import { currentContext } from '../context/context.ts';
import { isOutputDiscarded, openStandardOutput } from './console.ts';
import { createLineBuffer, type LineDestination } from './line-buffer.ts';
import type { LineQueueOptions } from './line-queue.ts';
import { makeFolder } from './make-folder.ts';
import { redact } from './redact.ts';
import { openRotatingFile } from './rotating-file.ts';

export type { Logger } from 'pino';

/** The levels that a config may name, from all entries to none. */
export const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type Level = (typeof levels)[number];

export interface LoggingOptions {
  /** The level of services without a separate level in the config. */
  readonly level: Level;
  /** The log file, `<directory>/<name>.jsonl`. Absent: no file. */
  readonly file?: { readonly directory: string; readonly name: string };
  /** `pretty` for people at a terminal, `json` for programs. */
  readonly console: 'pretty' | 'json' | 'none';
  /** Further destinations. */
  readonly streams?: readonly DestinationStream[];
}

/** The log of one process. */
export interface Logging {
  /** Returns the logger of a service. Each of its entries has that `service` and no other. */
  logger(service: string, level?: Level): Logger;
  /** Writes all pending entries synchronously, at the end of the process. */
  flush(): void;
}

/**
 * Opens the log of this process. It writes entries in the background, in order. If the console or the file cannot be
 * written, it logs that to the other one; the process continues.
 */
export async function openLogging(options: LoggingOptions): Promise<Logging> {
  const streams: DestinationStream[] = [...(options.streams ?? [])];
  const sinks: LineDestination[] = [];
  const onConsole: LineQueueOptions = {
    onError: (err) => gateway.error({ err }, 'the console cannot be written'),
    onDropped: (bytes) => gateway.warn({ bytes }, 'log entries for the console were dropped'),
  };
  const flushes: (() => void)[] = [];
  if (options.console === 'pretty') {
    const terminal = createLineBuffer([openStandardOutput(onConsole)]);
    const prettify = await createPrettifier();
    streams.push({ write: (line) => terminal.write(prettify(line)) });
    flushes.push(terminal.flushSync);
  }
  if (options.console === 'json' && !isOutputDiscarded()) sinks.push(openStandardOutput(onConsole));
  if (options.file !== undefined) {
    makeFolder(options.file.directory);
    const path = join(options.file.directory, `${options.file.name}.jsonl`);
    sinks.push(
      openRotatingFile(path, {
        onError: (err) => gateway.error({ err, path }, 'the log file cannot be written'),
        onDropped: (bytes) => gateway.warn({ bytes, path }, 'log entries for the log file were dropped'),
      }),
    );
  }
  if (sinks.length > 0) {
    const lines = createLineBuffer(sinks);
    streams.push(lines);
    flushes.push(lines.flushSync);
  }
  const root = createRoot(options.level, {
    write(line) {
      for (const stream of streams) stream.write(line);
    },
  });
  const gateway = root('gateway', options.level);
  return {
    logger: (service, level = options.level) => root(service, level),
    flush() {
      for (const flush of flushes) flush();
    },
  };
}

/** Creates the loggers of services, which all write to one destination. */
function createRoot(level: Level, destination: DestinationStream) {
  const root = pino(
    {
      base: null,
      level,
      timestamp,
      formatters: { level: (label) => ({ level: label }), log: clean },
      serializers: { err: serializeError },
    },
    destination,
  );
  return (service: string, level: Level): Logger => {
    const logger = root.child({ service }, { level });
    // A child inherits `child`, so its own children are cleaned too.
    logger.child = function child(this: Logger, bindings: object, options?: object) {
      return root.child.call(this, clean(bindings as Fields), options as never);
    } as typeof logger.child;
    return logger;
  };
}

/** Serializes a thrown value without secrets. Code may throw any value, for example a string. */
function serializeError(error: unknown): object {
  if (typeof error !== 'object' || error === null) return { type: typeof error, message: String(error) };
  const { errors } = error as Partial<AggregateError>;
  // The serializer of Pino returns these errors as instances of a class.
  const inner = Array.isArray(errors) ? { aggregateErrors: errors } : {};
  return redact({ ...pino.stdSerializers.err(error as Error), ...inner });
}

type Fields = Record<string, unknown>;

/** Removes secrets from the fields of an entry, and renames a field `service`, which the entry already has. */
function clean(fields: Fields): Fields {
  const shown = redact(fields);
  if (!Object.hasOwn(shown, 'service')) return shown;
  const { service, ...rest } = shown;
  return { ...rest, logged_service: service };
}

let writtenAt = 0;
let written = '';

/** Formats the time of an entry for Pino. Entries of the same millisecond share the text. */
function timestamp(): string {
  const now = Date.now();
  if (now !== writtenAt) {
    writtenAt = now;
    written = `,"time":"${new Date(now).toISOString()}"`;
  }
  return written;
}

/** Creates the function that formats an entry for a terminal. Imports the library only when needed. */
async function createPrettifier(): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  return prettyFactory({
    colorize: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'service,reqId,method,path,route,status,ms,url',
    messageFormat(line, messageKey) {
      const { service, reqId, method, path, route, status, ms, url } = line;
      const parts = [
        line[messageKey],
        method,
        path ?? route,
        status,
        ms === undefined ? ms : `${ms}ms`,
        url && `at ${url}`,
      ];
      const text = parts.filter((part) => part !== undefined).join(' ');
      return `[${service}]${reqId === undefined ? '' : ` (${reqId})`} ${text}`;
    },
  });
}

let fallback: Logger | undefined;

/**
 * Returns the logger of the service and request whose code is running. Outside of both, for example while a module is
 * imported, it returns a logger of the process with the service `gateway`.
 */
export function getLogger(): Logger {
  const context = currentContext();
  if (context !== undefined) return context.log;
  fallback ??= createRoot('info', {
    write: (line) => openStandardOutput().write(Buffer.from(line)),
  })('gateway', 'info');
  return fallback;
}
