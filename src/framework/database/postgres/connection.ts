import type { Socket } from 'node:net';
import pg from 'pg';
import { quoteName } from '../quote-name.ts';

/** A statement for the driver. A statement with a name is prepared once on each connection. */
export interface Command {
  readonly name?: string | undefined;
  readonly text: string;
  readonly values?: unknown[];
}

export interface Outcome {
  readonly rows: unknown[][];
  readonly rowCount: number | null;
  /** For example `SELECT`. COMMIT of a failed transaction responds with `ROLLBACK` and no error. */
  readonly command: string;
}

export interface ConnectionOptions {
  readonly connectionString: string;
  readonly schema: string;
  /** The name of the connection in `pg_stat_activity`. */
  readonly application: string;
  /** ms after which the server cancels a statement. */
  readonly statementMs: number;
  /** ms after which the server cancels a wait for a lock. */
  readonly lockMs: number;
}

/** Nothing was sent on a connection: it could not be opened, or it was broken already. */
export class ConnectError extends Error {
  readonly code: unknown;
  /** The errors of the addresses of the server, if there are several. */
  readonly errors: unknown;

  /** @param error the reason. It is no `cause`, because a log entry would show its message twice. */
  constructor({ message, stack, code, errors }: Error & { code?: unknown; errors?: unknown }) {
    super(message);
    if (stack !== undefined) this.stack = stack;
    this.code = code;
    this.errors = errors;
  }
}

/** The time limit for a new connection, in ms. It is short, so that a process finds a restarted server soon. */
const connectMs = 1_000;
/** ms after which the server ends a transaction that is idle. */
const idleInTransactionMs = 30_000;
/** ms that a response may take beyond the limits of the server. After that, the server is frozen or unreachable. */
const silenceMs = 1_000;

/** The values of PostgreSQL as SQLite has them: booleans are 0 and 1, and integers are numbers up to 2^53. */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => (text === 't' ? 1 : 0), // bool
  20: Number, // int8
  1016: (text) => JSON.parse(`[${text.slice(1, -1).toLowerCase()}]`), // int8[], of integers and NULL
  1700: Number, // numeric, for example of sum()
};
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers[oid]) || pg.types.getTypeParser(oid, format as 'text'),
};

/**
 * A connection. It sends statements without waiting for the responses to earlier ones (pipelining), and all statements
 * of one event-loop turn in one packet.
 */
export class Connection {
  /** Called when it can run no further statement. A transaction sets it. */
  onBroken = (): void => {};
  readonly #client: pg.Client;
  readonly #ready: Promise<unknown>;
  #isCorked = false;
  #inFlight = 0;
  #isBroken = false;

  constructor({ connectionString, schema, application, statementMs, lockMs }: ConnectionOptions) {
    const settings = {
      search_path: quoteName(schema),
      statement_timeout: statementMs,
      lock_timeout: lockMs,
      idle_in_transaction_session_timeout: idleInTransactionMs,
    };
    const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
    const url = new URL(connectionString);
    // The driver would use the options of the URL alone. PostgreSQL uses the last value of a setting.
    options.unshift(url.searchParams.get('options') ?? '');
    url.searchParams.delete('options');
    const config = {
      connectionString: url.href,
      types: types as never,
      pipeline: true,
      application_name: application,
      connectionTimeoutMillis: connectMs,
      query_timeout: statementMs + silenceMs,
      keepAlive: true,
      options: options.join(' '),
    };
    this.#client = new pg.Client(config as pg.ClientConfig);
    const markBroken = () => {
      this.#isBroken = true;
      this.onBroken();
    };
    this.#client.on('error', markBroken);
    this.#client.on('end', markBroken);
    this.#ready = this.#client.connect();
    this.#ready.catch(markBroken);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether it can run no further statement. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** @throws {ConnectError} if the server does not accept the connection. */
  async ready(): Promise<void> {
    try {
      await this.#ready;
    } catch (error) {
      throw new ConnectError(error as Error);
    }
  }

  /** @throws {ConnectError} if the connection is broken already. */
  run(command: Command): Promise<Outcome> {
    if (this.#isBroken)
      return Promise.reject(
        new ConnectError(new Error('Connection terminated before the statement was sent')),
      );
    this.#inFlight += 1;
    this.#cork();
    return new Promise((resolve, reject) => {
      // Pass a callback, because for a promise the driver records a stack trace per query.
      const done = (error: Error | null, outcome: Outcome) => {
        this.#inFlight -= 1;
        if (error) reject(error);
        else resolve(outcome);
      };
      this.#client.query({ ...command, rowMode: 'array' } as never, done as never);
    });
  }

  async close(): Promise<void> {
    this.#isBroken = true;
    await this.#client.end();
  }

  /**
   * Collects what this event-loop turn sends. `connection.stream` is private in pg 8.23. If it changes, each statement
   * goes out in a separate packet, and postgres/connection.test.ts fails.
   */
  #cork(): void {
    if (this.#isCorked) return;
    const { connection } = this.#client as unknown as { connection?: { stream?: Socket } };
    const stream = connection?.stream;
    if (typeof stream?.cork !== 'function') return;
    this.#isCorked = true;
    stream.cork();
    setImmediate(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }
}
