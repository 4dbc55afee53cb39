import type { LateRow } from '../late-rows.ts';
import type { Command, Outcome } from './connection.ts';
import type { Transaction } from './transaction.ts';

/** A statement in a group. */
export interface Member {
  readonly command: Command;
  /** Undefined for a statement that is a write by itself. */
  readonly rest?: RestOfWrite;
  /** Called when the statement and the rest of its write are durable. */
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/** The part of a write after its only statement. */
interface RestOfWrite {
  /** Passes the outcome of the statement to the write, before COMMIT. */
  answer(outcome: Outcome): void;
  /** Resolves with the late rows when the write has ended. Undefined: the group must be rolled back. */
  readonly ended: Promise<readonly LateRow<Command>[] | undefined>;
  /** Tells the write that it has taken too long. */
  expire(): void;
}

/** The group was rolled back: the write has no effect, and must run again in a separate transaction. */
export class GroupBroken extends Error {}

/** The part of a group's transaction that belongs to one write. */
export class SharedTransaction implements Transaction, RestOfWrite {
  readonly #add: (member: Member) => void;
  readonly #markUnfit: () => void;
  readonly #answered = Promise.withResolvers<Outcome>();
  readonly #ended = Promise.withResolvers<readonly LateRow<Command>[] | undefined>();
  readonly #committed = Promise.withResolvers<void>();
  #command: Command | undefined;
  /** Whether the statement has changed something, as far as it is known. */
  #hasEffect = true;
  #isOver = false;

  constructor(add: (member: Member) => void, markUnfit: () => void) {
    this.#add = add;
    this.#markUnfit = markUnfit;
    this.#answered.promise.catch(() => {});
    this.#committed.promise.catch(() => {});
  }

  run(command: Command): Promise<Outcome> {
    if (this.#command !== undefined) {
      this.expire();
      return Promise.reject(new GroupBroken());
    }
    this.#command = command;
    this.#add({
      command,
      rest: this,
      resolve: () => this.#committed.resolve(),
      reject: (error) => {
        this.#isOver = true;
        this.#answered.reject(error);
        this.#committed.reject(error);
      },
    });
    return this.#answered.promise;
  }

  async commit(late: readonly LateRow<Command>[]): Promise<void> {
    const hasLeft = this.#isOver;
    this.#end(late);
    await this.#committed.promise;
    if (hasLeft) throw new GroupBroken();
  }

  async rollback(): Promise<unknown> {
    this.#leave();
    // If the group fails, its error replaces the error of the write, because rows that were rolled back may have caused
    // that error.
    return this.#committed.promise.then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  get ended(): Promise<readonly LateRow<Command>[] | undefined> {
    return this.#ended.promise;
  }

  answer(outcome: Outcome): void {
    this.#hasEffect = outcome.rowCount !== 0 || /^\s*with\b/i.test(this.#command?.text ?? '');
    this.#answered.resolve(outcome);
  }

  expire(): void {
    if (this.#isOver) return;
    this.#markUnfit();
    this.#leave();
  }

  /** Leaves the group, which need not be rolled back if the statement changed nothing. */
  #leave(): void {
    this.#end(this.#hasEffect ? undefined : []);
  }

  #end(late: readonly LateRow<Command>[] | undefined): void {
    this.#isOver = true;
    this.#ended.resolve(late);
  }
}
