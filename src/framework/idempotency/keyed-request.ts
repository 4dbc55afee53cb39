import { hash } from 'node:crypto';
import { serialize } from 'node:v8';
import type { RequestKey, WriteParticipant } from '../context/write-participant.ts';
import { Problem } from '../errors/problem.ts';

/** A response as it is stored under a key. */
export interface StoredResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | null;
}

/** The stored entry of a key, if its request changed something. */
export interface StoredEntry {
  /** The results of the writes of the request, by their number. Only writes that changed something are stored. */
  readonly results: Readonly<Record<number, unknown>>;
  /** Absent until there is a final response, and if that is not kept. */
  readonly response: StoredResponse | undefined;
}

/** Limits of what is stored for one request, in bytes: its response, and what one of its writes returned. */
export const maxBytes = { response: 8_192, result: 8_192 } as const;

/** The stored entry of one key. */
export interface EntryStore {
  /** The database whose writes are stored. */
  readonly identity: unknown;
  /** The key as the client sent it. */
  readonly key: string;
  /**
   * Claims the key in a write: until it ends, no other write of any process has the key.
   * @throws {Problem} 422 if the key was used for a different request.
   */
  claim(): Promise<StoredEntry | undefined>;
  /** Replaces the stored results, in the transaction of a write. */
  save(results: StoredEntry['results']): Promise<void>;
  /** Removes the claim of a write that changed nothing. */
  remove(): Promise<void>;
  /** Rows that the running write changed so far. */
  countChanges(): number;
  /**
   * Stores the response if there is an entry without one, in a transaction of its own.
   * @returns the response that another process stored first.
   */
  saveResponse(response: StoredResponse): Promise<StoredResponse | undefined>;
  /** Frees the key for the next request. */
  release(): void;
}

/**
 * A request with an idempotency key, while it is in progress. What each of its writes returned is stored in the
 * transaction of that write. A retry that finds such a result gets it instead of a second effect, and so goes on from
 * where the request ended. The response is stored after the writes and before it is sent.
 */
export class KeyedRequest implements RequestKey {
  readonly #store: EntryStore;
  /** Resolves for each write when its outcome is final. */
  readonly #writes: Promise<void>[] = [];
  #calls = 0;
  #isResponding = false;

  constructor(store: EntryStore) {
    this.#store = store;
  }

  /** Whether the request has come to its response. Later writes are not part of it. */
  get isResponding(): boolean {
    return this.#isResponding;
  }

  joinWrite(identity: unknown): WriteParticipant | undefined {
    if (this.#isResponding || identity !== this.#store.identity) return undefined;
    const { promise, resolve: settle } = Promise.withResolvers<void>();
    const index = this.#writes.push(promise) - 1;
    return { run: (write) => this.#run(index, write), committed: settle, failed: settle };
  }

  async #run<Result>(index: number, write: () => Promise<Result>): Promise<Result> {
    const store = this.#store;
    const entry = await store.claim();
    // Another process has completed the request: this one gets the same response, and must not change anything.
    if (entry?.response !== undefined) throw keyInUse();
    if (entry !== undefined && index in entry.results) return entry.results[index] as Result;
    const before = store.countChanges();
    const result = await write();
    if (store.countChanges() !== before) {
      assertStorable(result);
      await store.save({ ...entry?.results, [index]: result });
    } else if (entry === undefined) await store.remove();
    return result;
  }

  nextKey(target: string): string {
    return hash('sha256', `${this.#calls++} ${target} ${this.#store.key}`, 'base64url');
  }

  /**
   * Ends the request with its response, undefined for one that cannot be stored, and frees the key.
   * @returns the response that another process gave to the same request meanwhile: it takes the place of this one.
   */
  async respond(response: StoredResponse | undefined): Promise<StoredResponse | undefined> {
    this.#isResponding = true;
    try {
      // The handler may not have awaited all of its writes.
      await Promise.all(this.#writes);
      return isKept(response) ? await this.#store.saveResponse(response) : undefined;
    } finally {
      this.#store.release();
    }
  }
}

/** Whether a response is replayed to retries. After a 5xx a retry goes on from the stored results. */
function isKept(response: StoredResponse | undefined): response is StoredResponse {
  if (response === undefined || response.status >= 500) return false;
  const { headers, body } = response;
  return Buffer.byteLength(JSON.stringify(headers)) + Buffer.byteLength(body ?? '') <= maxBytes.response;
}

/** @throws {TypeError} for a result of a write that is too large to be stored. */
function assertStorable(result: unknown): void {
  const size = serialize(result).length;
  if (size <= maxBytes.result) return;
  throw new TypeError(`a write returned ${size} bytes, and at most ${maxBytes.result} are kept for a retry`);
}

/** 409: the request under this key is still in progress. */
export function keyInUse(): Problem {
  const type = 'urn:problem-type:idempotency-key-in-use';
  return new Problem(409, 'The request with this Idempotency-Key is still in progress', { type });
}
