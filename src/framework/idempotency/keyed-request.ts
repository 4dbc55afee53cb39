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

/** The stored entry of a key. A request that changed nothing has none. */
export interface StoredEntry {
  /** The results of the writes of the request, by their number. Only writes that changed something are stored. */
  readonly results: Readonly<Record<number, unknown>>;
  /** Undefined if no response is stored: the request is in progress, or its response cannot be stored. */
  readonly response: StoredResponse | undefined;
}

/** Maximum sizes of a stored response, and of the stored result of one write. */
export const maxBytes = { response: 8_192, result: 8_192 } as const;

/** Reads and writes the stored entry of one key. */
interface EntryStore {
  /** Identifies the database whose writes are stored. */
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
  /** Returns a counter that grows with each row that the running write changes. Only a difference has a meaning. */
  countChanges(): number;
  /**
   * Stores the response if there is an entry without one, in a separate transaction.
   * @returns the response that another process stored first; undefined if there is none.
   */
  saveResponse(response: StoredResponse): Promise<StoredResponse | undefined>;
  /** Frees the key for the next request. */
  release(): void;
}

/**
 * A request in progress that has an idempotency key. The transaction of each write also stores the result of that write. A
 * retry gets the stored result instead of a second effect, and continues where the request ended. The response is stored
 * after the writes and before it is sent.
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

  /** Whether the handler has responded. Later writes do not belong to the request. */
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
    // Another process has completed the request. This process sends the same response, and must not change anything.
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
   * Ends the request with its response, and frees the key.
   * @param response undefined if it cannot be stored.
   * @returns the response that another process has stored for the same request: it replaces this response.
   */
  async respond(response: StoredResponse | undefined): Promise<StoredResponse | undefined> {
    this.#isResponding = true;
    try {
      // The handler may not have awaited all of its writes.
      await Promise.all(this.#writes);
      return isStorable(response) ? await this.#store.saveResponse(response) : undefined;
    } finally {
      this.#store.release();
    }
  }
}

/** Whether a response is stored for retries. After a 5xx a retry continues from the stored results. */
function isStorable(response: StoredResponse | undefined): response is StoredResponse {
  if (response === undefined || response.status >= 500) return false;
  const { headers, body } = response;
  return Buffer.byteLength(JSON.stringify(headers)) + Buffer.byteLength(body ?? '') <= maxBytes.response;
}

/** @throws {TypeError} if the result of a write is too large to store. */
function assertStorable(result: unknown): void {
  const size = serialize(result).length;
  if (size <= maxBytes.result) return;
  const reason = `it has ${size} bytes, and at most ${maxBytes.result} are allowed`;
  throw new TypeError(
    `the result of a write cannot be stored for retries: ${reason}. Return less from the write`,
  );
}

/** 409: the request under this key is still in progress. */
export function keyInUse(): Problem {
  const type = 'urn:problem-type:idempotency-key-in-use';
  return new Problem(409, 'The request with this Idempotency-Key is still in progress', { type });
}
