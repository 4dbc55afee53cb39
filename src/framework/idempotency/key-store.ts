import { deserialize, serialize } from 'node:v8';
import { Problem } from '../errors/problem.ts';
import { createKeyClock } from './key-clock.ts';
import { type KeyConnection, openPruning } from './key-pruning.ts';
import { KeyedRequest, keyInUse, maxBytes, type StoredEntry, type StoredResponse } from './keyed-request.ts';

/** The idempotency keys of the requests whose effects are in one database: draft-ietf-httpapi-idempotency-key-header. */
export interface IdempotencyKeys {
  /**
   * Claims a key for a request. `fingerprint` is the same for two requests that are the same.
   * @returns the stored response of the request, if it has one; else the request, which must respond to free the key.
   * @throws {Problem} 409 while the key is in use, 422 if it was used for a different request.
   */
  claim(key: string, fingerprint: string): { readonly response: StoredResponse } | KeyedRequest;
  /** Stops looking for expired keys. */
  close(): void;
}

/** How long a key is kept, in ms. */
const lifetime = 24 * 60 * 60 * 1000;

/**
 * What one database keeps: past a bound the oldest goes, even within its lifetime. That is about 160 MB of responses,
 * and about 250 MB of keys with the results of their writes. A retry of a key without its response computes it again.
 */
export const bounds = {
  keys: 500_000,
  responses: 20_000,
  responseBytes: maxBytes.response,
  /** How often to look for expired keys, in ms. */
  pruneEvery: 60_000,
};

/** A table of the framework, beside those of the migrations of a service. */
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

interface Row {
  readonly fingerprint: string;
  readonly results: Buffer;
  readonly status: number | null;
  readonly headers: string;
  readonly body: string | Buffer | null;
}

/** The keys that are stored on a connection; `write` is its group commit. */
export function openIdempotencyKeys(
  connection: KeyConnection,
  write: (fn: () => void) => Promise<void>,
  { keys, responses, pruneEvery } = bounds,
): IdempotencyKeys {
  const select = connection.prepare('SELECT * FROM __idempotency_key WHERE key = ? AND created_at > ?');
  // The key may be there, but expired: REPLACE gives it the rowid of a new one.
  const insert = connection.prepare(
    'REPLACE INTO __idempotency_key (key, fingerprint, created_at, results) VALUES (?, ?, ?, ?)',
  );
  const update = connection.prepare('UPDATE __idempotency_key SET results = ? WHERE key = ?');
  // Only if the key is not older than the responses that are kept.
  const setResponse = connection.prepare(
    `UPDATE __idempotency_key SET status = ?, headers = ?, body = ?
    WHERE key = ? AND rowid > (SELECT max(rowid) FROM __idempotency_key) - ${responses}`,
  );
  const changes = connection.prepare('SELECT total_changes()').pluck();
  const newest = connection.prepare('SELECT created_at FROM __idempotency_key ORDER BY rowid DESC LIMIT 1');
  const clock = createKeyClock(newest.pluck().get() as number | undefined);
  const oldest = () => clock.earliest() - lifetime;
  const pruning = openPruning(connection, write, { keys, responses, pruneEvery, oldest });
  /** The keys of requests that are in progress in this process, and their fingerprints. */
  const inUse = new Map<string, string>();

  function find(key: string, fingerprint: string) {
    const row = select.get(key, oldest()) as Row | undefined;
    if (row === undefined) return undefined;
    const { results, status, headers, body } = row;
    const response = status === null ? undefined : { status, headers: JSON.parse(headers), body };
    return { isSame: row.fingerprint === fingerprint, results: deserialize(results), response };
  }

  function read(key: string, fingerprint: string): StoredEntry | undefined {
    const entry = find(key, fingerprint);
    if (entry?.isSame === false) throw keyReused();
    return entry;
  }

  function insertKey(key: string, fingerprint: string, results: StoredEntry['results']): void {
    insert.run(key, fingerprint, clock.latest(), serialize(results));
    pruning.pruneSome();
  }

  async function saveResponse(key: string, fingerprint: string, { status, headers, body }: StoredResponse) {
    const entry = find(key, fingerprint);
    // A request that changed nothing has no entry, and costs no transaction.
    if (entry?.isSame !== true) return undefined;
    if (entry.response !== undefined) return entry.response;
    let other: StoredResponse | undefined;
    await write(() => {
      const stored = read(key, fingerprint);
      other = stored?.response;
      if (stored === undefined || other !== undefined) return;
      const set = () => setResponse.run(status, JSON.stringify(headers), body, key).changes;
      if (set() > 0) return;
      insertKey(key, fingerprint, stored.results);
      set();
    });
    return other;
  }

  return {
    claim(key, fingerprint) {
      const other = inUse.get(key);
      if (other !== undefined) throw other === fingerprint ? keyInUse() : keyReused();
      const response = read(key, fingerprint)?.response;
      if (response !== undefined) return { response };
      inUse.set(key, fingerprint);
      return new KeyedRequest({
        connection,
        key,
        read: () => read(key, fingerprint),
        insert: (results) => insertKey(key, fingerprint, results),
        update: (results) => void update.run(serialize(results), key),
        countChanges: () => changes.get(),
        saveResponse: (response) => saveResponse(key, fingerprint, response),
        release: () => void inUse.delete(key),
      });
    },
    close: pruning.close,
  };
}

function keyReused(): Problem {
  const type = 'urn:problem-type:idempotency-key-reused';
  return new Problem(422, 'This Idempotency-Key was already used for a different request', { type });
}
