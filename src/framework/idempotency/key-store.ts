import { deserialize, serialize } from 'node:v8';
import { Problem } from '../errors/problem.ts';
import { createKeyClock } from './key-clock.ts';
import { schedulePruning } from './key-pruning.ts';
import { KeyedRequest, keyInUse, maxBytes, type StoredEntry, type StoredResponse } from './keyed-request.ts';

/** The idempotency keys of the requests whose effects are in one database: draft-ietf-httpapi-idempotency-key-header. */
export interface IdempotencyKeys {
  /**
   * Claims a key for a request. `fingerprint` is the same for two requests that are the same.
   * @returns the stored response of the request, if it has one; else the request, which must respond to free the key.
   * @throws {Problem} 409 while the key is in use, 422 if it was used for a different request.
   */
  claim(key: string, fingerprint: string): Promise<{ readonly response: StoredResponse } | KeyedRequest>;
  /** Stops looking for expired keys. */
  close(): void;
}

/** The row of a key in the database. */
export interface KeyRow {
  readonly fingerprint: string;
  readonly results: Uint8Array;
  readonly status: number | null;
  readonly headers: string | null;
  readonly body: string | Buffer | null;
}

/** The stored keys of one database. Times are in ms since 1970; a key that is not newer than `since` has expired. */
export interface KeyRows {
  /** Identifies the database to the writes that join it. */
  readonly identity: object;
  read(key: string, since: number): Promise<KeyRow | undefined>;
  /**
   * Claims a key in a write: until it ends, no other write of any process has the key.
   * @returns what is stored under the key, if the request came before.
   */
  claim(
    key: string,
    fingerprint: string,
    times: { readonly createdAt: number; readonly since: number },
  ): Promise<KeyRow | undefined>;
  /** Removes the claim of a write that changed nothing. */
  remove(key: string): Promise<void>;
  setResults(key: string, results: Uint8Array): Promise<void>;
  /** Resolves with false if the key is older than the newest `responses` keys. */
  setResponse(key: string, response: StoredResponse, responses: number): Promise<boolean>;
  /** Rows that the running write changed so far. */
  countChanges(): number;
  /** The time of the newest key. */
  newest(): Promise<number | undefined>;
  /** Removes up to `limit` expired keys, and what exceeds the bounds. Resolves with whether more may be left. */
  prune(options: PruneOptions): Promise<boolean>;
  write<Result>(fn: () => Promise<Result>): Promise<Result>;
}

export interface PruneOptions {
  readonly oldest: number;
  readonly keys: number;
  readonly responses: number;
  readonly limit: number;
}

/** How long a key is kept, in ms. */
const lifetime = 24 * 60 * 60 * 1000;

/**
 * The bounds of one database: beyond a bound the oldest key or response is removed, even within its lifetime. That is about 160 MB of responses,
 * and about 250 MB of keys with the results of their writes. A retry of a key without its response computes it again.
 */
export const bounds = {
  keys: 500_000,
  responses: 20_000,
  responseBytes: maxBytes.response,
  /** How often to look for expired keys, in ms, and after how many new keys. */
  pruneEvery: 60_000,
  pruneAfter: 1_000,
};

export async function openIdempotencyKeys(
  rows: KeyRows,
  { keys, responses, pruneEvery, pruneAfter } = bounds,
): Promise<IdempotencyKeys> {
  const clock = createKeyClock(await rows.newest());
  const since = () => clock.earliest() - lifetime;
  const pruning = schedulePruning((limit) => rows.prune({ oldest: since(), keys, responses, limit }), {
    ...{ everyMs: pruneEvery, afterKeys: pruneAfter },
  });
  /** The keys of requests that are in progress in this process, and their fingerprints. */
  const inUse = new Map<string, string>();

  async function read(key: string, fingerprint: string): Promise<StoredEntry | undefined> {
    return toEntry(await rows.read(key, since()), fingerprint);
  }

  async function claimInWrite(key: string, fingerprint: string): Promise<StoredEntry | undefined> {
    const row = await rows.claim(key, fingerprint, { createdAt: clock.latest(), since: since() });
    return toEntry(row, fingerprint);
  }

  async function saveResponse(key: string, fingerprint: string, response: StoredResponse) {
    const entry = await read(key, fingerprint).catch(() => undefined);
    // A request that changed nothing has no entry, and costs no transaction.
    if (entry === undefined) return undefined;
    if (entry.response !== undefined) return entry.response;
    return rows.write(async () => {
      const stored = await claimInWrite(key, fingerprint);
      if (stored?.response !== undefined) return stored.response;
      if (stored === undefined) await rows.setResults(key, serialize(entry.results));
      if (await rows.setResponse(key, response, responses)) return undefined;
      // Newer keys have taken its place while the request ran. A new row makes it the newest.
      await rows.remove(key);
      await claimInWrite(key, fingerprint);
      await rows.setResults(key, serialize((stored ?? entry).results));
      await rows.setResponse(key, response, responses);
      return undefined;
    });
  }

  return {
    async claim(key, fingerprint) {
      const other = inUse.get(key);
      if (other !== undefined) throw other === fingerprint ? keyInUse() : keyReused();
      inUse.set(key, fingerprint);
      const release = () => void inUse.delete(key);
      try {
        const response = (await read(key, fingerprint))?.response;
        if (response !== undefined) {
          release();
          return { response };
        }
      } catch (error) {
        release();
        throw error;
      }
      return new KeyedRequest({
        identity: rows.identity,
        key,
        claim: () => claimInWrite(key, fingerprint),
        async save(results) {
          await rows.setResults(key, serialize(results));
          pruning.countKey();
        },
        remove: () => rows.remove(key),
        countChanges: rows.countChanges,
        saveResponse: (response) => saveResponse(key, fingerprint, response),
        release,
      });
    },
    close: pruning.close,
  };
}

/** @throws {Problem} 422 if the key was used for a different request. */
function toEntry(row: KeyRow | undefined, fingerprint: string): StoredEntry | undefined {
  if (row === undefined) return undefined;
  if (row.fingerprint !== fingerprint) throw keyReused();
  const { results, status, headers, body } = row;
  const response = status === null ? undefined : { status, headers: JSON.parse(headers ?? '{}'), body };
  return { results: deserialize(results), response };
}

function keyReused(): Problem {
  const type = 'urn:problem-type:idempotency-key-reused';
  return new Problem(422, 'This Idempotency-Key was already used for a different request', { type });
}
