import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, vi } from 'vitest';
import { type Level, type Logging, openLogging } from '../../../src/framework/logging/logger.ts';
import type { LogEntry } from '../../support/app.ts';

/** A log whose lines are kept as they were written. */
export async function openRaw(level: Level = 'trace'): Promise<{ logging: Logging; raw: string[] }> {
  const raw: string[] = [];
  const stream = { write: (line: string) => void raw.push(line) };
  return { logging: await openLogging({ level, console: 'none', streams: [stream] }), raw };
}

/** The lines that `write` causes, parsed. */
export async function log(write: (logging: Logging) => void, level?: Level): Promise<LogEntry[]> {
  const { logging, raw } = await openRaw(level);
  write(logging);
  return raw.map((line) => JSON.parse(line) as LogEntry);
}

/** Resolves when `check` holds; what it waits for is written in the background. */
export const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 });

/** Runs this TypeScript as a process of its own; resolves with what it printed. */
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
  expect(signal, 'it ends by itself').toBeNull();
  return printed;
}

export const source = (name: string) =>
  JSON.stringify(new URL(`../../../src/framework/${name}.ts`, import.meta.url).href);

/** The lines of a file of the log; each must be whole. */
export function readLines(file: string): Record<string, unknown>[] {
  const text = readFileSync(file, 'utf8');
  expect(text === '' || text.endsWith('\n'), `${file} ends with a whole line`).toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}
