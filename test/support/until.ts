import { vi } from 'vitest';

/** Waits for up to 15 s until a check passes. vitest waits for 1 s by default, which is too short on a busy machine. */
export const until = <Result>(check: () => Result): Promise<Awaited<Result>> =>
  vi.waitFor(check, { timeout: 15_000, interval: 5 }) as Promise<Awaited<Result>>;
