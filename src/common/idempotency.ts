import { deserialize, serialize } from 'node:v8';
import { type Answer, createKeyedRequest, type Entry, type KeyedRequest, keyInUse } from './keyed-request.ts';
import { Problem } from './problem.ts';

/** The idempotency keys of the requests whose effects are in one database: draft-ietf-httpapi-idempotency-key-header. */
export interface IdempotencyKeys {
  /**
   * Takes a key for a request. `fingerprint` is the same for two requests that are the same.
   * @returns what the request was answered when it came before; else the request under its key, to be finished.
   * @throws {Problem} 409 while the key is in use, 422 where it was that of another request.
   */
  claim(key: string, fingerprint: string): { readonly answer: Answer } | KeyedRequest;
}

/** How long a key is kept, in ms. */
const lifetime = 24 * 60 * 60 * 1000;
/** How many old keys go with each that is kept: more than one, so that they become fewer. */
const prunedAtOnce = 10;

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
): IdempotencyKeys {
  const select = connection.prepare('SELECT * FROM __idempotency_key WHERE key = ? AND created_at > ?');
  const put = connection.prepare('REPLACE INTO __idempotency_key VALUES (?, ?, ?, ?, ?, ?, ?)');
  const prune = connection.prepare(
    `DELETE FROM __idempotency_key WHERE key IN (
      SELECT key FROM __idempotency_key WHERE created_at <= ? ORDER BY created_at LIMIT ${prunedAtOnce}
    )`,
  );
  const changes = connection.prepare('SELECT total_changes()').pluck();
  const countChanges = () => changes.get();
  /** The keys of requests that run in this process, and their fingerprints. */
  const inUse = new Map<string, string>();

  function find(key: string, fingerprint: string): Entry | undefined {
    const row = select.get(key, Date.now() - lifetime) as Row | undefined;
    if (row === undefined) return undefined;
    if (row.fingerprint !== fingerprint) throw keyReused();
    const { status, headers, body } = row;
    const answer = status === null ? undefined : { status, headers: JSON.parse(headers), body };
    return { results: deserialize(row.results), answer };
  }

  function save(key: string, fingerprint: string, { results, answer }: Entry): void {
    const now = Date.now();
    const { status = null, headers, body = null } = answer ?? {};
    put.run(key, fingerprint, now, serialize(results), status, JSON.stringify(headers ?? {}), body);
    prune.run(now - lifetime);
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
        find: () => find(key, fingerprint),
        save: (entry: Entry) => save(key, fingerprint, entry),
        countChanges,
        write,
        release: () => void inUse.delete(key),
      };
      return createKeyedRequest(place, entry !== undefined);
    },
  };
}

function keyReused(): Problem {
  const type = 'urn:problem-type:idempotency-key-reused';
  return new Problem(422, 'This idempotency key was that of another request', { type });
}
