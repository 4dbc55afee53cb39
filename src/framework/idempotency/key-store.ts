import { deserialize, serialize } from 'node:v8';
import { Problem } from '../errors/problem.ts';
import { createKeyClock } from './key-clock.ts';
import {
  createKeyedRequest,
  type Entry,
  type KeyedRequest,
  keptBytes,
  keyInUse,
  type StoredResponse,
} from './keyed-request.ts';

/** The idempotency keys of the requests whose effects are in one database: draft-ietf-httpapi-idempotency-key-header. */
export interface IdempotencyKeys {
  /**
   * Takes a key for a request. `fingerprint` is the same for two requests that are the same.
   * @returns what the request was answered when it came before; else the request under its key, to be finished.
   * @throws {Problem} 409 while the key is in use, 422 where it was that of another request.
   */
  claim(key: string, fingerprint: string): { readonly answer: StoredResponse } | KeyedRequest;
  /** Stops looking for old keys. */
  close(): void;
}

/** How long a key is kept, in ms. */
const lifetime = 24 * 60 * 60 * 1000;
/** How many old keys go with each that is kept: more than one, so that they become fewer. */
const prunedAtOnce = 10;
/** How many go in a transaction that is for them alone: a few ms. */
const prunedAlone = 1_000;

/**
 * What one database keeps: past it the oldest goes, also within its lifetime. That is about 160 MB of responses, and of
 * keys with what the writes returned about 250 MB. A key without its response has its retry compute that again.
 */
export const bounds = {
  keys: 500_000,
  responses: 20_000,
  responseBytes: keptBytes.answer,
  /** How often to look for old keys, in ms: they must also go when no others come. */
  pruneEvery: 60_000,
};

/** A table of our own, beside those of the service's migrations: made with them, as every service may get a key. */
export const idempotencyTable = `
  CREATE TABLE IF NOT EXISTS __idempotency_key (
    key TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    results BLOB NOT NULL,
    status INTEGER,
    headers TEXT,
    body ANY
  ) STRICT;
  CREATE INDEX IF NOT EXISTS __idempotency_key_created_at ON __idempotency_key (created_at);`;

/** What is needed of a connection of better-sqlite3. */
interface Connection {
  prepare(sql: string): Statement;
}
interface Statement {
  get(...values: unknown[]): unknown;
  run(...values: unknown[]): unknown;
  pluck(): Statement;
}
interface Row {
  readonly fingerprint: string;
  readonly results: Buffer;
  readonly status: number | null;
  readonly headers: string;
  readonly body: string | Buffer | null;
}

/** The keys that are kept on a connection; `write` is its group commit. */
export function openIdempotencyKeys(
  connection: Connection,
  write: (fn: () => void) => Promise<void>,
  { keys, responses, pruneEvery } = bounds,
): IdempotencyKeys {
  const select = connection.prepare('SELECT * FROM __idempotency_key WHERE key = ? AND created_at > ?');
  const put = connection.prepare('REPLACE INTO __idempotency_key VALUES (?, ?, ?, ?, ?, ?, ?)');
  const changes = connection.prepare('SELECT total_changes()').pluck();
  const countChanges = () => changes.get();
  const newest = connection.prepare('SELECT created_at FROM __idempotency_key ORDER BY rowid DESC LIMIT 1');
  const clock = createKeyClock(newest.pluck().get() as number | undefined);
  const pruning = openPruning(connection, write, {
    ...{ keys, responses, pruneEvery },
    oldest: () => clock.earliest() - lifetime,
  });
  /** The keys of requests that run in this process, and their fingerprints. */
  const inUse = new Map<string, string>();

  function find(key: string, fingerprint: string): Entry | undefined {
    const row = select.get(key, clock.earliest() - lifetime) as Row | undefined;
    if (row === undefined) return undefined;
    if (row.fingerprint !== fingerprint) throw keyReused();
    const { status, headers, body } = row;
    const answer = status === null ? undefined : { status, headers: JSON.parse(headers), body };
    return { results: deserialize(row.results), answer };
  }

  function save(key: string, fingerprint: string, { results, answer }: Entry): void {
    const { status = null, headers, body = null } = answer ?? {};
    const now = clock.latest();
    put.run(key, fingerprint, now, serialize(results), status, JSON.stringify(headers ?? {}), body);
    pruning.prune(prunedAtOnce);
  }

  return {
    claim(key, fingerprint) {
      const other = inUse.get(key);
      if (other !== undefined) throw other === fingerprint ? keyInUse() : keyReused();
      const entry = find(key, fingerprint);
      if (entry?.answer !== undefined) return { answer: entry.answer };
      inUse.set(key, fingerprint);
      const place = {
        connection,
        key,
        find: () => find(key, fingerprint),
        save: (entry: Entry) => save(key, fingerprint, entry),
        countChanges,
        write,
        release: () => void inUse.delete(key),
      };
      return createKeyedRequest(place, entry !== undefined);
    },
    close: pruning.close,
  };
}

interface PruningOptions extends Pick<typeof bounds, 'keys' | 'responses' | 'pruneEvery'> {
  /** Keys that are no younger than this go, in ms since 1970. */
  oldest(): number;
}

/** Removes what is kept no longer: with each key that comes, and from time to time. */
function openPruning(
  connection: Connection,
  write: (fn: () => void) => Promise<void>,
  { keys, responses, pruneEvery, oldest }: PruningOptions,
) {
  const expired = 'FROM __idempotency_key WHERE created_at <= ?';
  const find = connection.prepare(`SELECT 1 ${expired} LIMIT 1`);
  const expire = connection.prepare(
    `DELETE FROM __idempotency_key WHERE rowid IN (SELECT rowid ${expired} ORDER BY created_at LIMIT ?)`,
  );
  // Rows are numbered as they come, so the newest are those with the highest numbers.
  const last = '(SELECT max(rowid) FROM __idempotency_key)';
  const trim = connection.prepare(
    `DELETE FROM __idempotency_key WHERE rowid IN (
      SELECT rowid FROM __idempotency_key WHERE rowid <= ${last} - ${keys} ORDER BY rowid LIMIT ?)`,
  );
  const strip = connection.prepare(
    `UPDATE __idempotency_key SET status = NULL, body = NULL
    WHERE rowid BETWEEN ${last} - ${responses} - ? AND ${last} - ${responses} AND status IS NOT NULL`,
  );

  function prune(count: number): void {
    expire.run(oldest(), count);
    trim.run(count);
    strip.run(count);
  }

  let isClosed = false;
  async function pruneAll(): Promise<void> {
    while (!isClosed && find.get(oldest()) !== undefined) await write(() => prune(prunedAlone));
  }
  // Where the disk is full or the lock is taken, the next time will do.
  const start = () => void pruneAll().catch(() => {});
  const soon = setImmediate(start).unref();
  const timer = setInterval(start, pruneEvery).unref();
  return {
    prune,
    close(): void {
      isClosed = true;
      clearImmediate(soon);
      clearInterval(timer);
    },
  };
}

function keyReused(): Problem {
  const type = 'urn:problem-type:idempotency-key-reused';
  return new Problem(422, 'This idempotency key was that of another request', { type });
}
