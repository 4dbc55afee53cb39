import { deserialize, serialize } from 'node:v8';
import { createAgeClock } from '../context/age-clock.ts';
import { Problem } from '../errors/problem.ts';
import { schedulePruning } from './key-pruning.ts';
import { KeyedRequest, keyInUse, maxBytes, type StoredEntry, type StoredResponse } from './keyed-request.ts';

/** The idempotency keys of the requests whose effects are in one database: draft-ietf-httpapi-idempotency-key-header. */
export interface IdempotencyKeys {
  /**
   * Claims a key for a request. The same request always has the same `fingerprint`.
   * @returns the stored response of the request, if it has one; else the request, which must respond to free the key.
   * @throws {Problem} 409 while the key is in use, 422 if it was used for a different request.
   */
  claim(key: string, fingerprint: string): Promise<{ readonly response: StoredResponse } | KeyedRequest>;
  /** Stops the removal of expired keys. */
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
  /** Identifies the database of a write. */
  readonly identity: object;
  read(key: string, since: number): Promise<KeyRow | undefined>;
  /**
   * Claims a key in a write: until it ends, no other write of any process has the key.
   * @returns the stored row if the key was used before.
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
  /** Returns a counter that grows with each row that the running write changes. Only a difference has a meaning. */
  countChanges(): number;
  /** Resolves with the time of the newest key. */
  newest(): Promise<number | undefined>;
  /**
   * Removes up to `limit` expired keys, and keys and responses past the bounds. Resolves with whether more may be left.
   */
  prune(options: PruneOptions): Promise<boolean>;
  write<Result>(fn: () => Promise<Result>): Promise<Result>;
}

interface PruneOptions {
  readonly oldest: number;
  readonly keys: number;
  readonly responses: number;
  readonly limit: number;
}

const lifetimeMs = 24 * 60 * 60 * 1000;

/**
 * The bounds of one database: about 160 MB of responses, and about 250 MB of keys with the results of their writes. Past a
 * bound the oldest key or response is removed, even within its lifetime. A retry without a stored response computes it
 * again.
 */
export const bounds = {
  keys: 500_000,
  responses: 20_000,
  responseBytes: maxBytes.response,
  pruneEveryMs: 60_000,
  pruneAfterKeys: 1_000,
};

export async function openIdempotencyKeys(rows: KeyRows, options = bounds): Promise<IdempotencyKeys> {
  const { keys, responses } = options;
  const clock = createAgeClock(await rows.newest());
  const since = () => clock.earliest() - lifetimeMs;
  const prune = (limit: number) => rows.prune({ oldest: since(), keys, responses, limit });
  const pruning = schedulePruning(prune, options);
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
    // A request that changed nothing has no entry, so it needs no transaction.
    if (entry === undefined) return undefined;
    if (entry.response !== undefined) return entry.response;
    return rows.write(async () => {
      const stored = await claimInWrite(key, fingerprint);
      if (stored?.response !== undefined) return stored.response;
      if (stored === undefined) await rows.setResults(key, serialize(entry.results));
      if (await rows.setResponse(key, response, responses)) return undefined;
      // While the request ran, newer keys filled the bound for responses. A new row makes this key the newest.
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
