import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<object | undefined>();

/** Runs `fn`, and all that it starts, as part of a write. */
export function runInWrite<Result>(write: object, fn: () => Result): Result {
  return storage.run(write, fn);
}

/** Runs work that a write starts and that is not part of it. */
export function runOutsideWrite<Result>(fn: () => Result): Result {
  return storage.run(undefined, fn);
}

/** Returns the write of a database that the running code is part of; undefined outside of a write. */
export function openWrite(): object | undefined {
  return storage.getStore();
}
