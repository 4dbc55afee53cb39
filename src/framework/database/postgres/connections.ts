import { ServiceUnavailable } from '../../errors/problem.ts';
import type { Command, Connection, Outcome } from './connection.ts';

const closing = () => new ServiceUnavailable('The database is closing');

/** Connections that statements share. They are opened when they are needed. */
export class SharedConnections {
  readonly #open: () => Connection;
  readonly #max: number;
  #connections: Connection[] = [];
  #isClosed = false;

  constructor(max: number, open: () => Connection) {
    this.#max = max;
    this.#open = open;
  }

  /** Runs a statement on the connection with the fewest statements in flight. */
  async run(command: Command): Promise<Outcome> {
    return this.#choose().run(command);
  }

  #choose(): Connection {
    if (this.#isClosed) throw closing();
    let best: Connection | undefined;
    let hasBroken = false;
    for (const connection of this.#connections) {
      if (connection.isBroken) hasBroken = true;
      else if (best === undefined || connection.inFlight < best.inFlight) best = connection;
    }
    if (hasBroken) this.#connections = this.#connections.filter(({ isBroken }) => !isBroken);
    if (best !== undefined && (best.inFlight === 0 || this.#connections.length >= this.#max)) return best;
    const connection = this.#open();
    this.#connections.push(connection);
    return connection;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#connections.map((connection) => connection.close()));
  }
}

/** Connections for transactions: each serves one transaction at a time. They are opened when they are needed. */
export class ExclusiveConnections {
  readonly #open: () => Connection;
  readonly #max: number;
  readonly #maxWaitMs: number;
  readonly #idle: Connection[] = [];
  readonly #used = new Set<Connection>();
  readonly #queue: PromiseWithResolvers<Connection>[] = [];
  #isClosed = false;

  /** @param maxWaitMs the maximum wait for a connection. */
  constructor(max: number, maxWaitMs: number, open: () => Connection) {
    this.#max = max;
    this.#maxWaitMs = maxWaitMs;
    this.#open = open;
  }

  /**
   * Runs `fn` with a connection. Waits for a connection if all are in use.
   * @throws {ServiceUnavailable} if none becomes free in time, or if the database is closed.
   */
  async use<Result>(fn: (connection: Connection) => Promise<Result>): Promise<Result> {
    const connection = this.#take() ?? (await this.#wait());
    try {
      await connection.ready();
      return await fn(connection);
    } finally {
      this.#used.delete(connection);
      this.#release(connection);
    }
  }

  #take(): Connection | undefined {
    if (this.#isClosed) throw closing();
    if (this.#used.size >= this.#max) return undefined;
    let connection = this.#idle.pop();
    while (connection?.isBroken) connection = this.#idle.pop();
    connection ??= this.#open();
    this.#used.add(connection);
    return connection;
  }

  #wait(): Promise<Connection> {
    const waiting = Promise.withResolvers<Connection>();
    this.#queue.push(waiting);
    const timer = setTimeout(() => {
      this.#queue.splice(this.#queue.indexOf(waiting), 1);
      waiting.reject(new ServiceUnavailable('The database is busy'));
    }, this.#maxWaitMs);
    return waiting.promise.finally(() => clearTimeout(timer));
  }

  #release(connection: Connection): void {
    if (!connection.isBroken) this.#idle.push(connection);
    this.#queue.shift()?.resolve(this.#take() as Connection);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiting of this.#queue.splice(0)) waiting.reject(closing());
    const all = [...this.#idle, ...this.#used];
    await Promise.allSettled(all.map((connection) => connection.close()));
  }
}
