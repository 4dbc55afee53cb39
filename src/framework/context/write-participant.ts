/**
 * Takes part in one write of a request, as its idempotency key does. `run` is called inside the transaction of the
 * write, and again if that transaction is rolled back and retried: only its last call counts. When the outcome is final,
 * exactly one of `committed` and `failed` is called, once, before the promise of the write settles.
 */
export interface WriteParticipant {
  /** Runs the write, with what is to be durable together with it; or returns what it returned in an earlier attempt. */
  run<Result>(write: () => Promise<Result>): Promise<Result>;
  /** The write is durable. */
  committed(): void;
  /** The write changed nothing. `reason` is what its promise rejects with. */
  failed(reason: unknown): void;
}

/** The idempotency key of the running request, as the database and the calls of that request see it. */
export interface RequestKey {
  /** The participant of the next write to this database; undefined if the key has no part in it. */
  joinWrite(identity: unknown): WriteParticipant | undefined;
  /** The idempotency key of the next POST to a peer, so that a retry of this request has one effect there too. */
  nextKey(target: string): string;
}
