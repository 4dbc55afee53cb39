import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type Level, type Logging, openLogging } from '../../../src/framework/logging/logger.ts';
import type { LogEntry } from '../../support/app.ts';

/** Opens a log that keeps each entry as the text that was written. */
export async function openRaw(level: Level = 'trace'): Promise<{ logging: Logging; raw: string[] }> {
  const raw: string[] = [];
  const stream = { write: (line: string) => void raw.push(line) };
  return { logging: await openLogging({ level, console: 'none', streams: [stream] }), raw };
}

/** Returns the entries that `write` logs, parsed. */
export async function log(write: (logging: Logging) => void, level?: Level): Promise<LogEntry[]> {
  const { logging, raw } = await openRaw(level);
  write(logging);
  return raw.map((line) => JSON.parse(line) as LogEntry);
}

/** Resolves when `check` passes, because the log is written in the background. Rejects after 5 s. */
/** Runs TypeScript in a separate process. Resolves with its standard output. */
export async function run(script: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 8_000,
    killSignal: 'SIGKILL',
  });
  let printed = '';
  child.stdout.on('data', (data) => {
    printed += data;
  });
  const [, signal] = await once(child, 'close');
  expect(signal, 'the process ends without a signal').toBeNull();
  return printed;
}

export const source = (name: string) =>
  JSON.stringify(new URL(`../../../src/framework/${name}.ts`, import.meta.url).href);

/** Returns the entries of a log file. Each line must be complete. */
export function readLines(file: string): Record<string, unknown>[] {
  const text = readFileSync(file, 'utf8');
  expect(text === '' || text.endsWith('\n'), `${file} ends with a complete line`).toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}
