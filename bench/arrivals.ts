/**
 * A load that does not wait: requests come at a rate of their own, however the server is (an open loop). The time of
 * each counts from when it should have been sent, so a server that holds the load up does not look the better for it.
 */
import { createHistogram } from 'node:perf_hooks';
import { type Connection, openConnection } from './connection.ts';
import type { Offer, Offered } from './load.ts';
import { random } from './random.ts';

const slowest = 60_000_000; // µs
/** How often one looks which requests are due, and how often health is asked for, in ms. */
const pause = { look: 1, health: 100 };
/** How long what is under way at the end may take, in ms. */
const patience = 10_000;

/**
 * A connection that breaks, a request that gets no answer, or a look at health that is not a 200 rejects.
 */
export function arrive(offer: Offer): Promise<Offered> {
  const { port, requests, arrivals, connections, warmUp, seconds } = offer;
  const bytes = requests.map((request) => Buffer.from(request));
  const gap = poisson(arrivals);
  const took = { accepted: newHistogram(), shed: newHistogram(), toSend: newHistogram() };
  const within = { offered: 0, queued: 0, accepted: 0, shed: 0 };
  const answers = { accepted: 0, shed: 0, health: 0, others: {} as Record<string, number> };
  const opened: Connection[] = [];
  const idle = new Set<Client>();
  const queue: number[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Offered>();
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  let nextRequest = 0;
  let served = 0;
  let inWork = 0;
  let [due, begin, end] = [0, 0, 0];
  let cpu: NodeJS.CpuUsage | undefined;
  let loadBusy: number | undefined;
  let health = { due: 0, worst: 0, isAsked: false };

  function finish(fault?: string): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    for (const connection of opened) connection.destroy();
    if (fault !== undefined) reject(new Error(fault));
    else
      resolve({
        rate: within.accepted / seconds,
        shed: within.shed / seconds,
        offered: within.offered / seconds,
        p50: took.accepted.percentile(50) / 1000,
        p99: took.accepted.percentile(99) / 1000,
        shedP99: took.shed.percentile(99) / 1000,
        answers,
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
    look();
  }

  function look(): void {
    const now = performance.now();
    if (now >= begin) cpu ??= process.cpuUsage();
    for (; due <= now && due < end; due += gap()) request(due, now);
    if (now < end) askHealth(now);
    else rest(now);
    if (!isOver) timer = setTimeout(look, pause.look);
  }

  /** Past the end: nothing is sent any more, and what has been gets its answer. */
  function rest(now: number): void {
    const { user, system } = process.cpuUsage(cpu);
    loadBusy ??= (user + system) / 1000 / (now - begin);
    served = queue.length;
    if (inWork === 0 && !health.isAsked) finish();
    else if (now > end + patience) finish(`${inWork} requests had no answer ${patience / 1000} s later`);
  }

  function request(at: number, now: number): void {
    if (at >= begin) {
      within.offered++;
      took.toSend.record(inMicroseconds(now - at));
    }
    // The one that has rested longest: a server closes those that rest.
    const [client] = idle;
    if (client === undefined) {
      if (at >= begin) within.queued++;
      queue.push(at);
    } else {
      idle.delete(client);
      inWork++;
      send(client, at);
    }
  }

  function send(client: Client, at: number): void {
    client.at = at;
    client.connection.send(bytes[nextRequest] as Buffer);
    nextRequest = (nextRequest + 1) % bytes.length;
  }

  function answered(client: Client, status: number, head: string): void {
    if (isOver) return;
    const now = performance.now();
    const kind = kindOf(status, head);
    if (kind === undefined) answers.others[status] = (answers.others[status] ?? 0) + 1;
    else {
      answers[kind]++;
      const isWithin = now >= begin && now < end;
      if (isWithin) within[kind]++;
      // Also of one that was due before, and had to wait until now for a connection.
      if (isWithin || client.at >= begin) took[kind].record(inMicroseconds(now - client.at));
    }
    if (served < queue.length) {
      send(client, queue[served++] as number);
    } else {
      idle.add(client);
      inWork--;
    }
  }

  function askHealth(now: number): void {
    if (now < health.due || health.isAsked) return;
    health.isAsked = true;
    probe.send(Buffer.from(`GET /health HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`));
  }

  function healthAnswered(_: Connection, status: number): void {
    if (status !== 200) finish(`health was ${status}`);
    const now = performance.now();
    answers.health++;
    health.worst = Math.max(health.worst, now - health.due);
    health.isAsked = false;
    while (health.due <= now) health.due += pause.health;
  }

  let missing = connections + 1;
  const open = (events: Partial<Parameters<typeof openConnection>[1]>) => {
    const isOpen = () => {
      missing--;
      if (missing === 0) start();
    };
    const connection = openConnection(port, { opened: isOpen, answered() {}, failed: finish, ...events });
    opened.push(connection);
    return connection;
  };
  const probe = open({ answered: healthAnswered });
  for (let i = 0; i < connections; i++) {
    const connection = open({ answered: (_, status, head) => answered(client, status, head) });
    const client = { connection, at: 0 };
    idle.add(client);
  }
  return promise;
}

interface Client {
  readonly connection: Connection;
  /** When the request that it is about should have been sent. */
  at: number;
}

/** The ms from one to the next: that one has come says nothing of when the next will. */
function poisson(perSecond: number): () => number {
  const next = random(7);
  return () => (-Math.log((next(2 ** 31) + 1) / 2 ** 31) / perSecond) * 1000;
}

function kindOf(status: number, head: string): 'accepted' | 'shed' | undefined {
  if (status === 200) return 'accepted';
  return status === 503 && /\r\nretry-after: *\d/i.test(head) ? 'shed' : undefined;
}

const newHistogram = () => createHistogram({ highest: slowest, figures: 3 });
const inMicroseconds = (ms: number) => Math.max(1, Math.min(slowest, Math.round(ms * 1000)));
