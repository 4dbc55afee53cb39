/**
 * Takes part in one write of a request, for example to store an idempotency key with it. The database calls `run`
 * inside the transaction of the write, and again if it retries that transaction: only the last call counts. When the
 * outcome is final, it calls either `committed` or `failed`, once, before the promise of the write settles.
 */
export interface WriteParticipant {
  /** Runs the write and further queries in one transaction, or returns the result of an earlier attempt. */
  run<Result>(write: () => Promise<Result>): Promise<Result>;
  /** The write is durable. */
  committed(): void;
  /** The write changed nothing. Its promise rejects with `reason`. */
  failed(reason: unknown): void;
}

/** The idempotency key of the running request, as the database and the calls of that request see it. */
export interface RequestKey {
  /** Returns the participant of the next write to this database; undefined if that write stores nothing for the key. */
  joinWrite(identity: unknown): WriteParticipant | undefined;
  /**
   * Returns the idempotency key of the next POST to a peer, so that a retry of this request has one effect there too.
   */
  nextKey(target: string): string;
}
