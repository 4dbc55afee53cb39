/**
 * An open-loop load: requests are sent at a fixed mean rate, without waiting for responses. The time of a request counts
 * from when it was due, so that a slow server does not hide its delays (coordinated omission).
 */
import { createHistogram } from 'node:perf_hooks';
import { type Connection, openConnection } from './connection.ts';
import type { Offer, Offered } from './load.ts';
import { random } from './random.ts';

const slowest = 60_000_000; // µs
/** The intervals of checks for due requests, and of health requests, in ms. */
const intervals = { check: 1, health: 100 };
/** How long requests in flight may take after the end, in ms. */
const drainMs = 10_000;

/** Runs the load. Rejects if a connection breaks, a request gets no response, or health is not 200. */
export function arrive(offer: Offer): Promise<Offered> {
  const { port, requests, arrivals, connections, warmUp, seconds } = offer;
  const bytes = requests.map((request) => Buffer.from(request));
  const gap = poisson(arrivals);
  const took = { accepted: newHistogram(), rejected: newHistogram(), toSend: newHistogram() };
  const within = { offered: 0, queued: 0, accepted: 0, rejected: 0 };
  const responses = { accepted: 0, rejected: 0, health: 0, others: {} as Record<string, number> };
  const opened: Connection[] = [];
  const idle = new Set<Client>();
  const queue: number[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Offered>();
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  let nextRequest = 0;
  let served = 0;
  let inFlight = 0;
  let [due, begin, end] = [0, 0, 0];
  let cpu: NodeJS.CpuUsage | undefined;
  let loadBusy: number | undefined;
  let health = { due: 0, worst: 0, isPending: false };

  function finish(reason?: string): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    for (const connection of opened) connection.destroy();
    if (reason !== undefined) reject(new Error(reason));
    else
      resolve({
        rate: within.accepted / seconds,
        rejected: within.rejected / seconds,
        offered: within.offered / seconds,
        p50: took.accepted.percentile(50) / 1000,
        p99: took.accepted.percentile(99) / 1000,
        rejectedP99: took.rejected.percentile(99) / 1000,
        responses,
        health: health.worst,
        late: took.toSend.percentile(99) / 1000,
        queued: within.offered === 0 ? 0 : within.queued / within.offered,
        loadBusy: loadBusy ?? 0,
      });
  }

  function start(): void {
    due = performance.now();
    health = { ...health, due };
    begin = due + warmUp * 1000;
    end = begin + seconds * 1000;
    sendDue();
  }

  function sendDue(): void {
    const now = performance.now();
    if (now >= begin) cpu ??= process.cpuUsage();
    for (; due <= now && due < end; due += gap()) request(due, now);
    if (now < end) requestHealth(now);
    else drain(now);
    if (!isOver) timer = setTimeout(sendDue, intervals.check);
  }

  /** Waits for the responses in flight after the end. */
  function drain(now: number): void {
    const { user, system } = process.cpuUsage(cpu);
    loadBusy ??= (user + system) / 1000 / (now - begin);
    served = queue.length;
    if (inFlight === 0 && !health.isPending) finish();
    else if (now > end + drainMs) finish(`${inFlight} requests had no response after ${drainMs / 1000} s`);
  }

  function request(at: number, now: number): void {
    if (at >= begin) {
      within.offered++;
      took.toSend.record(inMicroseconds(now - at));
    }
    // Use the connection that was idle longest, because a server closes idle connections.
    const [client] = idle;
    if (client === undefined) {
      if (at >= begin) within.queued++;
      queue.push(at);
    } else {
      idle.delete(client);
      inFlight++;
      send(client, at);
    }
  }

  function send(client: Client, at: number): void {
    client.at = at;
    client.connection.send(bytes[nextRequest] as Buffer);
    nextRequest = (nextRequest + 1) % bytes.length;
  }

  function onResponse(client: Client, status: number, head: string): void {
    if (isOver) return;
    const now = performance.now();
    const kind = kindOf(status, head);
    if (kind === undefined) responses.others[status] = (responses.others[status] ?? 0) + 1;
    else {
      responses[kind]++;
      const isWithin = now >= begin && now < end;
      if (isWithin) within[kind]++;
      // Includes requests that were due earlier and waited for a connection.
      if (isWithin || client.at >= begin) took[kind].record(inMicroseconds(now - client.at));
    }
    if (served < queue.length) {
      send(client, queue[served++] as number);
    } else {
      idle.add(client);
      inFlight--;
    }
  }

  function requestHealth(now: number): void {
    if (now < health.due || health.isPending) return;
    health.isPending = true;
    probe.send(Buffer.from(`GET /health HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`));
  }

  function onHealth(_: Connection, status: number): void {
    if (status !== 200) finish(`health was ${status}`);
    const now = performance.now();
    responses.health++;
    health.worst = Math.max(health.worst, now - health.due);
    health.isPending = false;
    while (health.due <= now) health.due += intervals.health;
  }

  let missing = connections + 1;
  const open = (events: Partial<Parameters<typeof openConnection>[1]>) => {
    const isOpen = () => {
      missing--;
      if (missing === 0) start();
    };
    const connection = openConnection(port, { opened: isOpen, onResponse() {}, failed: finish, ...events });
    opened.push(connection);
    return connection;
  };
  const probe = open({ onResponse: onHealth });
  for (let i = 0; i < connections; i++) {
    const connection = open({ onResponse: (_, status, head) => onResponse(client, status, head) });
    const client = { connection, at: 0 };
    idle.add(client);
  }
  return promise;
}

interface Client {
  readonly connection: Connection;
  /** When its request was due. */
  at: number;
}

/** Returns a generator of the ms between two requests of a Poisson process. */
function poisson(perSecond: number): () => number {
  const next = random(7);
  return () => (-Math.log((next(2 ** 31) + 1) / 2 ** 31) / perSecond) * 1000;
}

function kindOf(status: number, head: string): 'accepted' | 'rejected' | undefined {
  if (status === 200) return 'accepted';
  return status === 503 && /\r\nretry-after: *\d/i.test(head) ? 'rejected' : undefined;
}

const newHistogram = () => createHistogram({ highest: slowest, figures: 3 });
const inMicroseconds = (ms: number) => Math.max(1, Math.min(slowest, Math.round(ms * 1000)));
