import dns from 'node:dns';
import { setTimeout as sleep } from 'node:timers/promises';
import { internalLimits } from '../config/limits.ts';

export type HostAddress = dns.LookupAddress;

/**
 * Resolves a host name when it is used, and again when the result is older than `refreshMs`. Meanwhile the old result
 * is used. A result older than three times `refreshMs` is used only if the name cannot be resolved in time.
 */
export class HostAddresses {
  readonly #hostname: string;
  readonly #onChange: (addresses: readonly HostAddress[]) => void;
  #resolvedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #pending: Promise<Error | undefined> | undefined;

  /** @param onChange receives the addresses, each once, after each successful resolution. */
  constructor(hostname: string, onChange: (addresses: readonly HostAddress[]) => void) {
    this.#hostname = hostname;
    this.#onChange = onChange;
  }

  /**
   * Returns undefined if the known addresses can be used. Otherwise resolves when the name is resolved, with the error
   * if that fails or takes too long.
   * @param patience the maximum ms to wait; a quarter of it if the name was resolved before.
   */
  ready(patience: number): Promise<Error | undefined> | undefined {
    const { refreshMs } = internalLimits.addresses;
    const age = performance.now() - this.#resolvedAt;
    if (age < refreshMs) return undefined;
    if (age < 3 * refreshMs || (this.#hasFailed && Number.isFinite(age))) {
      this.refresh();
      return undefined;
    }
    return Promise.race([this.#resolve(), createTimeout(Number.isFinite(age) ? patience / 4 : patience)]);
  }

  /** Resolves again in the background, at most once in `pause.firstMs`: an address that fails may be gone. */
  refresh(): void {
    if (performance.now() - this.#triedAt >= internalLimits.addresses.pause.firstMs) void this.#resolve();
  }

  #resolve(): Promise<Error | undefined> {
    this.#pending ??= new Promise<Error | undefined>((resolve) => {
      this.#triedAt = performance.now();
      // Asks the resolver of the system, for example /etc/hosts and DNS. The property is read for each call, so that a
      // program can replace it.
      dns.lookup(this.#hostname, { all: true }, (error, addresses) => {
        this.#pending = undefined;
        this.#hasFailed = error !== null;
        if (error === null) {
          this.#resolvedAt = performance.now();
          this.#onChange([...new Map(addresses.map((one) => [one.address, one])).values()]);
        }
        resolve(error ?? undefined);
      });
    });
    return this.#pending;
  }
}

async function createTimeout(ms: number): Promise<Error> {
  await sleep(ms, undefined, { ref: false });
  return new Error('the host name was not resolved in time');
}
