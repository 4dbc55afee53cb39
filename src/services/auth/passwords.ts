import { availableParallelism } from 'node:os';
import { hashesBusy } from './errors.ts';

/** OWASP's first choice for argon2id, which is the default algorithm of the library. Memory is in KiB. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const prefix = '$argon2id$v=19$m=19456,t=2,p=1$';

/** The hash of random bytes that are not kept. With it, an unknown account costs the same work as a wrong password. */
const noPassword = `${prefix}1bPzu2o5BlhSVsLxyYWO2Q$NS2Hb0m3GE0DW3LZiosKz02u3ZqLVhF89MiVGlErDMo`;

/**
 * Each hash takes 19 MiB and a core. On two cores, one hash at a time creates as many hashes per second as two, and
 * concurrent requests for other services take half as long (median, measured).
 */
export const maxRunning = Math.max(1, Math.min(2, availableParallelism() - 1));
export const maxWaiting = 50;

/** Hashes and verifies passwords with argon2id, a few at a time. */
export function createPasswords() {
  const queue = createQueue();

  return {
    /** @throws {Problem} 503 if too many passwords wait. */
    hash: (password: string): Promise<string> =>
      queue(async () => (await loadArgon2()).hash(normalizePassword(password), parameters)),
    /**
     * Resolves with whether a password has this hash. Undefined: no such account, which takes the same time.
     * @throws {Problem} 503 if too many passwords wait.
     */
    verify: (hash: string | undefined, password: string): Promise<boolean> =>
      queue(async () => {
        const isRight = await (await loadArgon2()).verify(hash ?? noPassword, normalizePassword(password));
        return isRight && hash !== undefined;
      }),
    /** Returns whether a hash was made with other parameters than those of today. */
    isOutdated: (hash: string): boolean => !hash.startsWith(prefix),
  };
}

/** Imported on demand, because a product without this service need not load the library. */
function loadArgon2() {
  return import('@node-rs/argon2');
}

/** Devices write the same text with different code points (NIST SP 800-63B, 3.1.1.2). */
export function normalizePassword(password: string): string {
  return password.normalize('NFKC');
}

/** Creates a function that runs work: a few at a time, some wait, and the rest is rejected with 503. */
function createQueue() {
  const waiting: (() => void)[] = [];
  let running = 0;

  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running < maxRunning) running += 1;
    else {
      if (waiting.length >= maxWaiting) throw hashesBusy();
      // Work that ends hands its place over, so `running` stays the same.
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
