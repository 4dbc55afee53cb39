/**
 * An open-loop load: requests are sent at a fixed mean rate, without waiting for responses. The time of a request counts
 * from when it was due, so that a slow server does not hide its delays (coordinated omission).
 */
import { ArrivalMeasurement } from './arrival-measurement.ts';
import { type Connection, openConnection } from './connection.ts';
import type { Offer, Offered } from './load.ts';
import { random } from './random.ts';

/** The intervals of checks for due requests, and of health requests, in ms. */
const intervals = { check: 1, health: 100 };
/** How long requests in flight may take after the end, in ms. */
const drainMs = 10_000;

/** Runs the load. Rejects if a connection breaks, a request gets no response, or health is not 200. */
export function arrive(offer: Offer): Promise<Offered> {
  const { port, requests, arrivals, connections, warmUp, seconds } = offer;
  const gap = poisson(arrivals);
  const opened: Connection[] = [];
  const dispatcher = new Dispatcher(requests);
  const { promise, resolve, reject } = Promise.withResolvers<Offered>();
  let measurement: ArrivalMeasurement;
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  let [due, end] = [0, 0];

  function finish(reason?: string): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    for (const connection of opened) connection.destroy();
    if (reason !== undefined) reject(new Error(reason));
    else resolve(measurement.result());
  }

  function start(): void {
    due = performance.now();
    health.start(due);
    const begin = due + warmUp * 1000;
    end = begin + seconds * 1000;
    measurement = new ArrivalMeasurement(begin, seconds);
    sendDue();
  }

  function sendDue(): void {
    const now = performance.now();
    measurement.beginLoad(now);
    for (; due <= now && due < end; due += gap()) request(due, now);
    if (now < end) health.sendDue(now);
    else drain(now);
    if (!isOver) timer = setTimeout(sendDue, intervals.check);
  }

  /** Waits for the responses in flight after the end. */
  function drain(now: number): void {
    measurement.endLoad(now);
    dispatcher.dropWaiting();
    if (dispatcher.inFlight === 0 && !health.isPending) finish();
    else if (now > end + drainMs)
      finish(`${dispatcher.inFlight} requests had no response after ${drainMs / 1000} s`);
  }

  function request(at: number, now: number): void {
    measurement.addRequest(at, now);
    if (!dispatcher.send(at)) measurement.addQueued(at);
  }

  function onResponse(client: Client, status: number, head: string): void {
    if (isOver) return;
    measurement.addResponse(client.at, performance.now(), status, head);
    dispatcher.reuse(client);
  }

  function onHealth(_: Connection, status: number): void {
    if (status !== 200) finish(`health was ${status}`);
    measurement.addHealth(health.receive(performance.now()));
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
  const health = new HealthProbe(open({ onResponse: onHealth }), port);
  for (let i = 0; i < connections; i++) {
    const connection = open({ onResponse: (_, status, head) => onResponse(client, status, head) });
    const client = { connection, at: 0 };
    dispatcher.add(client);
  }
  return promise;
}

interface Client {
  readonly connection: Connection;
  /** When its request was due. */
  at: number;
}

/** Sends the requests in turn. A request waits while no connection is idle. */
class Dispatcher {
  readonly #requests: readonly Buffer[];
  readonly #idle = new Set<Client>();
  /** When each request that had to wait was due. */
  readonly #queue: number[] = [];
  #nextRequest = 0;
  #served = 0;
  inFlight = 0;

  constructor(requests: readonly string[]) {
    this.#requests = requests.map((request) => Buffer.from(request));
  }

  add(client: Client): void {
    this.#idle.add(client);
  }

  /** Sends a request that was due at `at`. Returns false if it has to wait for a connection. */
  send(at: number): boolean {
    // Use the connection that was idle longest, because a server closes idle connections.
    const [client] = this.#idle;
    if (client === undefined) {
      this.#queue.push(at);
      return false;
    }
    this.#idle.delete(client);
    this.inFlight++;
    this.#sendOn(client, at);
    return true;
  }

  /** Sends the next waiting request on a connection whose response has arrived. */
  reuse(client: Client): void {
    if (this.#served < this.#queue.length) {
      this.#sendOn(client, this.#queue[this.#served++] as number);
    } else {
      this.#idle.add(client);
      this.inFlight--;
    }
  }

  dropWaiting(): void {
    this.#served = this.#queue.length;
  }

  #sendOn(client: Client, at: number): void {
    client.at = at;
    client.connection.send(this.#requests[this.#nextRequest] as Buffer);
    this.#nextRequest = (this.#nextRequest + 1) % this.#requests.length;
  }
}

/** Requests health at fixed times, with one request in flight at a time. */
class HealthProbe {
  readonly #connection: Connection;
  readonly #request: Buffer;
  #due = 0;
  isPending = false;

  constructor(connection: Connection, port: number) {
    this.#connection = connection;
    this.#request = Buffer.from(`GET /health HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);
  }

  /** Sets when the first request is due. */
  start(due: number): void {
    this.#due = due;
  }

  sendDue(now: number): void {
    if (now < this.#due || this.isPending) return;
    this.isPending = true;
    this.#connection.send(this.#request);
  }

  /** Ends the request in flight. Returns the ms since it was due. */
  receive(now: number): number {
    const ms = now - this.#due;
    this.isPending = false;
    while (this.#due <= now) this.#due += intervals.health;
    return ms;
  }
}

/** Returns a generator of the ms between two requests of a Poisson process. */
function poisson(perSecond: number): () => number {
  const next = random(7);
  return () => (-Math.log((next(2 ** 31) + 1) / 2 ** 31) / perSecond) * 1000;
}
