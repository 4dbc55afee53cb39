import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<object | undefined>();

/** Runs `fn`, and all that it starts, as part of a write. */
export function runInWrite<Result>(write: object, fn: () => Result): Result {
  return storage.run(write, fn);
}

/** Runs `fn`, and all that it starts, outside of the write that starts it. */
export function runOutsideWrite<Result>(fn: () => Result): Result {
  return storage.run(undefined, fn);
}

/** Returns the write that the running code is part of. Undefined outside of a write. */
export function enclosingWrite(): object | undefined {
  return storage.getStore();
}
