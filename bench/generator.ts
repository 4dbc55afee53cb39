/**
 * The load. Our own code, as what measures must cost less than what is measured and see more of it: autocannon keeps
 * up with bare Fastify, at 90 % of its core where this takes 55 %, but it counts latency in whole milliseconds, of
 * which one connection's is a fraction, and lets all connections ask for the same at the same time. Here requests
 * are bytes made once, and of an answer only status and length are read.
 */
import { connect, type Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import type { Figure, Load } from './load.ts';

const slowest = 60_000_000; // µs

process.on('message', (load: Load) => {
  run(load).then(
    (figure) => process.send?.({ figure }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});

function run({ port, requests, connections, warmUp, seconds }: Load): Promise<Figure> {
  const bytes = requests.map((request) => Buffer.from(request));
  const histogram = createHistogram({ highest: slowest, figures: 3 });
  const sockets: Socket[] = [];
  const timers: NodeJS.Timeout[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Figure>();
  let next = 0;
  let answers = 0;
  let begin = Number.POSITIVE_INFINITY;
  let cpu = process.cpuUsage();
  let isOver = false;

  function finish(fault?: string): void {
    if (isOver) return;
    isOver = true;
    const elapsed = performance.now() - begin;
    const { user, system } = process.cpuUsage(cpu);
    for (const timer of timers) clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
    if (fault !== undefined) reject(new Error(fault));
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
    let isHead = true;
    /** Bytes of the answer's body that are still to come; Infinity where it comes in chunks. */
    let left = 0;

    function send(): void {
      sent = performance.now();
      socket.write(bytes[next] as Buffer);
      next = (next + 1) % bytes.length;
    }

    function read(count: number, buffer: Uint8Array): boolean {
      const chunk = buffer as Buffer;
      let bodyBytes = count;
      if (isHead) {
        const text = chunk.toString('latin1', 0, Math.min(count, 4096));
        const headEnd = text.indexOf('\r\n\r\n');
        if (headEnd < 0) finish('an answer came with its head in pieces');
        if (text[9] !== '2') finish(`an answer was ${text.slice(9, 12)}`);
        const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
        left = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
        bodyBytes -= headEnd + 4;
        isHead = false;
      }
      left -= bodyBytes;
      const isWhole = Number.isFinite(left)
        ? left === 0
        : chunk.toString('latin1', count - 5, count) === '0\r\n\r\n';
      if (!isWhole || isOver) return true;
      const now = performance.now();
      if (now >= begin) {
        answers++;
        histogram.record(Math.max(1, Math.round((now - sent) * 1000)));
      }
      isHead = true;
      send();
      return true;
    }

    // One buffer a connection, used again for all that it reads.
    const onread = { buffer: Buffer.allocUnsafe(65_536), callback: read };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    socket.on('connect', send);
    socket.on('error', ({ message }) => finish(message));
    socket.on('close', () => finish('the server closed a connection'));
    sockets.push(socket);
  }

  for (let i = 0; i < connections; i++) open();
  timers.push(
    setTimeout(() => {
      begin = performance.now();
      cpu = process.cpuUsage();
    }, warmUp * 1000),
    setTimeout(finish, (warmUp + seconds) * 1000),
  );
  return promise;
}
