import { type Level, type Logging, openLogging } from '../logging/logger.ts';

/** A log entry, parsed. */
export interface LogEntry {
  readonly level: string;
  readonly service: string;
  readonly reqId?: string;
  readonly msg: string;
  readonly [key: string]: unknown;
}

/** The log of a test app. A test may empty `logs` and `rawLogs` to collect only later entries. */
export interface CapturedLog {
  /** The entries so far, without warnings about a blocked event loop. */
  readonly logs: LogEntry[];
  /** The same entries as JSON lines. */
  readonly rawLogs: string[];
  /** All entries of the app, also after the test has emptied `logs`. */
  readonly allLogs: readonly LogEntry[];
}

/** Opens a log in memory. */
export async function captureLog(level: Level): Promise<CapturedLog & { readonly logging: Logging }> {
  const logs: LogEntry[] = [];
  const rawLogs: string[] = [];
  const allLogs: LogEntry[] = [];
  const stream = {
    write(line: string) {
      const entry = JSON.parse(line) as LogEntry;
      allLogs.push(entry);
      // A slow machine causes this warning, so tests ignore it.
      if (entry.msg === 'the event loop was blocked') return;
      rawLogs.push(line);
      logs.push(entry);
    },
  };
  return {
    logs,
    rawLogs,
    allLogs,
    logging: await openLogging({ level, console: 'none', streams: [stream] }),
  };
}

/** Prints the warnings and errors among the entries, which may explain why a test failed. */
export function printWarnings(entries: readonly LogEntry[]): void {
  for (const { level, service, reqId, msg, time, err, ...fields } of entries) {
    if (!['warn', 'error', 'fatal'].includes(level)) continue;
    const { stack, ...more } = Object(err) as { readonly stack?: string };
    const rest = { ...fields, ...(err !== undefined && stack === undefined && { err: more }) };
    console.error(`${level} [${service}] (${reqId ?? 'no request'}) ${msg} ${JSON.stringify(rest)}`);
    if (stack !== undefined) console.error(stack);
  }
}
