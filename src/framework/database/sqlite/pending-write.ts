import type { WriteParticipant } from '../../context/write-participant.ts';
import type { RunningWrite } from '../running-write.ts';

/** A statement that inserts late rows. */
export interface LateInsertion {
  run(values: unknown[]): unknown;
}

/** A write, from its call until its promise settles. */
export interface PendingWrite {
  /** Runs the statements of the write. Called again when its transaction is rolled back and retried. */
  readonly run: () => unknown;
  readonly participant: WriteParticipant | undefined;
  /** Returns its last run. Undefined for a single statement, which has no late rows and no later statement. */
  readonly lastRun: () => RunningWrite<LateInsertion> | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** When it stops waiting for the lock, in ms on the clock of `performance.now()`. */
  readonly deadline: number;
  progress: Progress;
}

type Progress =
  | { readonly state: 'queued' }
  /** Its statements have run in a transaction that is still open. */
  | { readonly state: 'ran' | 'committed'; readonly result: unknown }
  | { readonly state: 'failed'; readonly error: unknown };

/** Rejects writes. */
export function failWrites(writes: readonly PendingWrite[], error: unknown): void {
  setFailed(writes, error);
  settleWrites(writes);
}

/** Marks writes as failed. They stay pending until `settleWrites`. */
export function setFailed(writes: readonly PendingWrite[], error: unknown): void {
  for (const write of writes) write.progress = { state: 'failed', error };
}

/** Settles the promises of writes that are committed or failed. */
export function settleWrites(writes: readonly PendingWrite[]): void {
  for (const { progress, participant, resolve, reject } of writes) {
    if (progress.state === 'committed') {
      participant?.committed();
      resolve(progress.result);
    } else if (progress.state === 'failed') {
      participant?.failed(progress.error);
      reject(progress.error);
    }
  }
}
