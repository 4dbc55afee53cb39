/**
 * The load generator. It is not autocannon, which takes 90 % of its core for bare Fastify where this takes 55 %, counts
 * latency in whole milliseconds, sends equal requests on all connections at the same time, and has no open-loop mode that
 * counts rejections separately.
 */
import { createHistogram } from 'node:perf_hooks';
import { arrive } from './arrivals.ts';
import { type Connection, openConnection } from './connection.ts';
import type { Figure, Load, Offer } from './load.ts';

const slowest = 60_000_000; // µs

process.on('message', (load: Load | Offer) => {
  const run: Promise<object> = 'arrivals' in load ? arrive(load) : runClosedLoop(load);
  run.then(
    (figure) => process.send?.({ figure }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});

/** Runs a closed loop: each connection sends a request after the previous response. */
function runClosedLoop({
  port,
  requests,
  connections,
  warmUp,
  seconds,
  isBusyPolling,
}: Load): Promise<Figure> {
  const bytes = requests.map((request) => Buffer.from(request));
  const histogram = createHistogram({ highest: slowest, figures: 3 });
  const opened: Connection[] = [];
  const timers: NodeJS.Timeout[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Figure>();
  let next = 0;
  let answers = 0;
  let begin = Number.POSITIVE_INFINITY;
  let cpu = process.cpuUsage();
  let isOver = false;

  function finish(reason?: string): void {
    if (isOver) return;
    isOver = true;
    const elapsed = performance.now() - begin;
    const { user, system } = process.cpuUsage(cpu);
    for (const timer of timers) clearTimeout(timer);
    for (const connection of opened) connection.destroy();
    if (reason !== undefined) reject(new Error(reason));
    else
      resolve({
        rate: (answers / elapsed) * 1000,
        p50: histogram.percentile(50) / 1000,
        p99: histogram.percentile(99) / 1000,
        loadBusy: (user + system) / 1000 / elapsed,
      });
  }

  function open(): void {
    let sent = 0;

    function send(connection: Connection): void {
      sent = performance.now();
      connection.send(bytes[next] as Buffer);
      next = (next + 1) % bytes.length;
    }

    function onResponse(connection: Connection, status: number): void {
      if (status < 200 || status > 299) finish(`a response was ${status}`);
      if (isOver) return;
      const now = performance.now();
      if (now >= begin) {
        answers++;
        histogram.record(Math.max(1, Math.round((now - sent) * 1000)));
      }
      send(connection);
    }

    opened.push(openConnection(port, { opened: send, onResponse, failed: finish }));
  }

  function poll(): void {
    if (!isOver) setImmediate(poll);
  }

  for (let i = 0; i < connections; i++) open();
  if (isBusyPolling) poll();
  timers.push(
    setTimeout(() => {
      begin = performance.now();
      cpu = process.cpuUsage();
    }, warmUp * 1000),
    setTimeout(finish, (warmUp + seconds) * 1000),
  );
  return promise;
}
