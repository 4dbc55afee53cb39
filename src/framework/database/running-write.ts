import { enclosingWrite } from '../context/open-write.ts';
import type { LateRow, LateTable } from './late-rows.ts';

/** A write whose statements are running. Its statements find it through the context of the running code. */
export class RunningWrite<Insertion = unknown> {
  /** Counts the statements that ran in writes of this process. The count shows whether a write still makes progress. */
  static statements = 0;
  /** The database that the write belongs to. */
  readonly database: object;
  /** The rows that are inserted right before COMMIT. */
  readonly late: LateRow<Insertion>[] = [];
  #error: { readonly reason: unknown } | undefined;
  #unawaited = 0;
  #isOver = false;
  readonly #countChanges: () => number;

  /** @param countChanges counts the rows that statements have changed. */
  constructor(database: object, countChanges: () => number) {
    this.database = database;
    this.#countChanges = countChanges;
  }

  /** Returns a counter that grows with each changed row. Only the difference between two values has a meaning. */
  countChanges(): number {
    return this.#countChanges() + this.late.length;
  }

  /** Records a failed statement: the whole write then fails, on both databases, even if `fn` catches the error. */
  fail(reason: unknown): void {
    this.#error ??= { reason };
  }

  get hasFailedStatement(): boolean {
    return this.#error !== undefined;
  }

  /** Returns the outcome of a statement as a promise that tells the write when it is awaited. */
  track<Result>(outcome: Result | PromiseLike<Result>): Promise<Result> {
    this.#unawaited += 1;
    RunningWrite.statements += 1;
    const tracked = new TrackedPromise<Result>(
      (resolve) => resolve(outcome),
      () => {
        this.#unawaited -= 1;
      },
    );
    tracked.markHandled();
    return tracked;
  }

  /**
   * Ends the write after its function.
   * @throws the error of its first failed statement.
   * @throws {TypeError} if a statement was not awaited.
   */
  end(): void {
    this.#isOver = true;
    if (this.#error !== undefined) throw this.#error.reason;
    if (this.#unawaited > 0)
      throw new TypeError('A statement of a write was not awaited: await each statement');
  }

  /** Rejects later statements. */
  abandon(): void {
    this.#isOver = true;
  }

  get isOver(): boolean {
    return this.#isOver;
  }
}

class TrackedPromise<Result> extends Promise<Result> {
  // Promises that are derived from it need no tracking.
  static override get [Symbol.species]() {
    return Promise;
  }
  #isAwaited = false;
  readonly #onAwait: (() => void) | undefined;

  constructor(start: (resolve: (value: Result | PromiseLike<Result>) => void) => void, onAwait?: () => void) {
    super(start);
    this.#onAwait = onAwait;
  }

  /** Prevents an unhandled rejection, which would end the process: a rejection that is not awaited fails the write. */
  markHandled(): void {
    super.then(undefined, () => {});
  }

  // biome-ignore lint/suspicious/noThenProperty: `await` calls this method, so the write knows which statements are awaited.
  override then<A = Result, B = never>(
    onFulfilled?: ((value: Result) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (!this.#isAwaited) {
      this.#isAwaited = true;
      this.#onAwait?.();
    }
    return super.then(onFulfilled, onRejected);
  }
}

/**
 * Returns the write of this database that the running code is in; undefined outside of a write.
 * @throws {TypeError} if that write has ended: its function did not await this code.
 */
export function currentWrite(database: object): RunningWrite | undefined {
  const write = enclosingWrite() as RunningWrite | undefined;
  if (write === undefined || write.database !== database) return undefined;
  if (write.isOver) throw new TypeError('The write has ended: one of its statements was not awaited');
  return write;
}

/** Returns the function that adds a row to the late rows of the running write. */
export function createLateInsert<Insertion>(database: object, table: LateTable<Insertion>) {
  return (values: readonly unknown[]): void => {
    const write = currentWrite(database);
    if (write === undefined) throw new TypeError('Expected a running write');
    write.late.push({ table, values });
    RunningWrite.statements += 1;
  };
}
