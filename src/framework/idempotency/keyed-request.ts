import { hash } from 'node:crypto';
import { serialize } from 'node:v8';
import type { RequestKey, WriteParticipant } from '../context/write-participant.ts';
import { Problem } from '../errors/problem.ts';

/** What a request was answered, as far as it is kept. */
export interface StoredResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | null;
}

/** A request under a key, while it is in use. */
export interface KeyedRequest extends RequestKey {
  /** Whether it has come to its answer. */
  isAnswered(): boolean;
  /**
   * Ends it with its answer, undefined for one that cannot be kept. Resolves when the answer may be given: with
   * undefined, or with what another process answered the same request meanwhile, to be given in its place.
   * @throws what kept the effects from being written: none of them was then.
   */
  finish(answer: StoredResponse | undefined): Promise<StoredResponse | undefined>;
}

/** What the writes of a request returned, by their number; only of those that changed something. */
export type Results = Readonly<Record<number, unknown>>;

/** What is kept under a key: only of a request that changed something. */
export interface Entry {
  readonly results: Results;
  /** Absent where there is none that is final, or it is not kept: a retry runs again, and its writes return `results`. */
  readonly answer: StoredResponse | undefined;
}

/** How much is kept of one request, in bytes: of its answer, and of what one of its writes returned. */
export const keptBytes = { answer: 8_192, result: 8_192 } as const;

/** Where one key is kept. */
export interface Place {
  readonly connection: unknown;
  /** The key as the client sent it. */
  readonly key: string;
  /** @throws {Problem} 422 where another request had the key. */
  find(): Entry | undefined;
  /** In a transaction. */
  save(entry: Entry): void;
  /** Rows changed on this connection so far. */
  countChanges(): unknown;
  write(fn: () => void): Promise<void>;
  /** Lets the key go. */
  release(): void;
}

/** A request under the key of `place`; `hasEffect` where it came before, wrote, and was not answered. */
export function createKeyedRequest(place: Place, hasEffect: boolean): KeyedRequest {
  let joined = 0;
  let calls = 0;
  const results: Record<number, unknown> = {};
  let answer: StoredResponse | undefined;
  let isAnswered = false;
  let isSaved = false;
  /** What another process answered. */
  let found: StoredResponse | undefined;
  let transaction: PromiseWithResolvers<void> | undefined;

  /** Writes what there is by now, in a transaction. */
  function record(): void {
    const entry = place.find();
    if (entry?.answer !== undefined) {
      if (!isSaved) found = entry.answer;
      return;
    }
    const all = { ...entry?.results, ...results };
    const count = Object.keys(all).length;
    isSaved = count > 0 && isKept(answer);
    const isNew = count > Object.keys(entry?.results ?? {}).length;
    if (isSaved || isNew) place.save({ results: all, answer: isSaved ? answer : undefined });
  }

  function join(index: number): WriteParticipant {
    let outcome: { readonly value: unknown } | undefined;
    return {
      run<Result>(fn: () => Result) {
        outcome = undefined;
        const entry = place.find();
        found = entry?.answer;
        if (found !== undefined) throw keyInUse();
        transaction ??= openTransaction();
        if (entry !== undefined && index in entry.results) {
          hasEffect = true;
          return entry.results[index] as Result;
        }
        const before = place.countChanges();
        const value = fn();
        if (place.countChanges() !== before) {
          checkSize(value);
          outcome = { value };
        }
        return value;
      },
      isAnswered: () => isAnswered,
      conclude() {
        if (outcome !== undefined) results[index] = outcome.value;
        record();
      },
      committed() {
        hasEffect ||= index in results;
        transaction?.resolve();
        transaction = undefined;
      },
      failed(reason) {
        delete results[index];
        isSaved = false;
        transaction?.reject(reason);
        transaction = undefined;
      },
    };
  }

  return {
    joinWrite: (other) => (isAnswered || other !== place.connection ? undefined : join(joined++)),
    isAnswered: () => isAnswered,
    nextKey: (target) => hash('sha256', `${calls++} ${target} ${place.key}`, 'base64url'),
    async finish(given) {
      isAnswered = true;
      answer = given;
      try {
        // The answer goes with the write that it came from; it needs one of its own where there is none.
        if (transaction !== undefined) await transaction.promise;
        else if (found === undefined && hasEffect && isKept(answer)) await place.write(record);
        return found;
      } finally {
        place.release();
      }
    },
  };
}

/** How many turns of the microtask queue a request may take from its write to its answer, to be written with it. */
const turns = 100;

/**
 * Waits until these requests have come to their answers, or have to wait for something else. Microtasks of theirs run
 * meanwhile and nothing besides, so no other request sees what is not committed.
 */
export async function waitForAnswers(companions: readonly WriteParticipant[]): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    if (companions.every((companion) => companion.isAnswered?.() ?? true)) return;
    await undefined;
  }
}

function openTransaction(): PromiseWithResolvers<void> {
  const transaction = Promise.withResolvers<void>();
  // Where the request has not come to its answer, nobody waits for it.
  transaction.promise.catch(() => {});
  return transaction;
}

/**
 * Whether an answer is given again to a retry of a request that changed something. After a 5xx a retry goes on from what
 * was written; one for a large answer computes it again.
 */
function isKept(answer: StoredResponse | undefined): boolean {
  if (answer === undefined || answer.status >= 500) return false;
  const { headers, body } = answer;
  return Buffer.byteLength(JSON.stringify(headers)) + Buffer.byteLength(body ?? '') <= keptBytes.answer;
}

/** @throws {TypeError} for what a write may not return in a request with an idempotency key, as that is kept. */
function checkSize(value: unknown): void {
  const size = serialize(value).length;
  if (size <= keptBytes.result) return;
  throw new TypeError(`a write returned ${size} bytes, and at most ${keptBytes.result} are kept for a retry`);
}

/** 409: the request under this key is not answered yet. */
export function keyInUse(): Problem {
  const type = 'urn:problem-type:idempotency-key-in-use';
  return new Problem(409, 'A request with this idempotency key is not answered yet', { type });
}
