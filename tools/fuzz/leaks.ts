import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppProcess } from './connection-servers.ts';

/**
 * The time to release requests, files and memory, in ms, since the last request of a client ended: a busy machine still
 * reads requests of clients that have gone. It is below limits.time.answer, which would hide a leak.
 */
const settleMs = 30_000;
/** The resources that a process may keep: connections between apps, and memory that V8 has not released yet. */
const spare = { files: 30, bytes: 300 * 1024 * 1024 };

/** The resources of a process. */
export interface Resources {
  /** The number of requests that have ended, without those for metrics. */
  readonly ended: number;
  readonly inFlight: number;
  readonly files: number;
  readonly bytes: number;
}

export async function measure({ url, pid }: AppProcess): Promise<Resources> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const sum = (series: RegExp) =>
    [...metrics.matchAll(series)].reduce((total, [, count]) => total + Number(count), 0);
  const inFlight = sum(/^http_requests_in_flight(?:\{.*\})? (\d+)$/gm);
  const ended = sum(/^http_request_duration_seconds_count\{(?!.*"\/metrics").*\} (\d+)$/gm);
  if (process.platform !== 'linux') return { ended, inFlight, files: 0, bytes: 0 };
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return { ended, inFlight, files: readdirSync(`/proc/${pid}/fd`).length, bytes: pages * 4_096 };
}

/** Describes resources that were not released. */
export async function findLeaks(
  apps: readonly AppProcess[],
  before: readonly Resources[],
): Promise<string[]> {
  let limit = performance.now() + settleMs;
  let ended = 0;
  for (;;) {
    const now = await Promise.all(apps.map((app) => measure(app).catch(() => undefined)));
    const endedNow = now.reduce((sum, one) => sum + (one?.ended ?? 0), 0);
    if (endedNow > ended) limit = performance.now() + settleMs;
    ended = endedNow;
    const leaks = apps.flatMap(({ name }, index) => compare(name, before[index] as Resources, now[index]));
    if (leaks.length === 0 || performance.now() > limit || apps.some(({ ended }) => ended() !== undefined))
      return leaks;
    await sleep(200);
  }
}

function compare(name: string, before: Resources, now: Resources | undefined): string[] {
  if (now === undefined) return [`${name} does not respond to /metrics`];
  const leaks: string[] = [];
  if (now.inFlight > before.inFlight)
    leaks.push(`${name} has ${now.inFlight - before.inFlight} requests in flight`);
  if (now.files > before.files + spare.files)
    leaks.push(`${name} has ${now.files} open files, ${before.files} before`);
  if (now.bytes > before.bytes + spare.bytes)
    leaks.push(`${name} has ${toMiB(now.bytes)} MiB of memory, ${toMiB(before.bytes)} before`);
  return leaks;
}

const toMiB = (bytes: number) => Math.round(bytes / 1024 / 1024);
