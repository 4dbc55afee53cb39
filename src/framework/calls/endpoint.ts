import type { LookupFunction } from 'node:net';
import type * as undici from 'undici';
import { internalLimits } from '../config/limits.ts';
import type { HostAddress } from './host-addresses.ts';
import { buildConnector, Client, Pool } from './undici.ts';

/** Options of the connections to one address. */
export type ConnectionOptions = Omit<undici.Pool.Options, 'connect'> & {
  /** The time for opening a connection, in ms. */
  readonly connect: number;
  /** Whether the requests wait long for their responses. */
  readonly isForPolls?: boolean;
};

/**
 * Opens a pool of connections. For one connection it is a `Client`, which ends all unwanted requests in its queue as
 * soon as the connection is free.
 */
export function openPool(origin: string, options: undici.Pool.Options): Pool | Client {
  return options.connections === 1 ? new Client(origin, options) : new Pool(origin, options);
}

/**
 * One address of a host name: its connections, and whether requests go there. An address that fails is ejected: it is
 * left out for a pause that doubles with each failure in a row. After the pause a single request probes it.
 */
export class Endpoint {
  readonly address: string;
  readonly pool: Pool | Client;
  /** Requests that were dispatched here and have not ended. */
  inFlight = 0;
  /** Whether the app at this address has said that it stops. It still responds, for a short time. */
  isDraining = false;
  /** The end of the ejection. All times of this class are on the clock of `performance.now()`. */
  ejectedUntil = 0;
  respondedAt = 0;
  #failures = 0;

  /** @param hasOthers whether a request can go to another address instead. */
  constructor(
    origin: string,
    { address, family }: HostAddress,
    { connect, ...options }: ConnectionOptions,
    hasOthers: () => boolean,
  ) {
    this.address = address;
    // The origin keeps the host name for `Host` and the certificate. Only this lookup returns the address.
    const lookup: LookupFunction = (_name, { all }, callback) =>
      all ? callback(null, [{ address, family }]) : callback(null, address, family);
    const patient = buildConnector({ timeout: connect, lookup } as undici.buildConnector.BuildOptions);
    // Time out early if there are other addresses: an address that drops packets must leave time for another one.
    const quick = buildConnector({ timeout: connect / 4, lookup } as undici.buildConnector.BuildOptions);
    this.pool = openPool(origin, {
      ...options,
      connect: (target, callback) => (hasOthers() ? quick : patient)(target, callback),
    });
  }

  /** Whether the address has failed or drains, and has sent no normal response since. */
  get isEjected(): boolean {
    return this.#failures > 0;
  }

  /** Returns the priority of the address, the lowest first. 0: due for a probe. 1: healthy. 2: failed. 3: draining. */
  rank(now: number): 0 | 1 | 2 | 3 {
    if (!this.isEjected) return 1;
    if (now >= this.ejectedUntil) return 0;
    return this.isDraining ? 3 : 2;
  }

  /** Ejects the address for the next pause, unless it is already ejected. */
  eject(now: number): void {
    if (now < this.ejectedUntil) return;
    const { firstMs, maxMs } = internalLimits.addresses.pause;
    this.ejectedUntil = now + Math.min(firstMs * 2 ** this.#failures, maxMs);
    this.#failures += 1;
  }

  fail(now: number): void {
    this.isDraining = false;
    this.eject(now);
  }

  /** Records a response, which ends the ejection unless the app drains. */
  respond(now: number, isDraining: boolean): void {
    this.respondedAt = now;
    this.isDraining = isDraining;
    if (isDraining) {
      this.eject(now);
      return;
    }
    this.#failures = 0;
    this.ejectedUntil = 0;
  }
}
