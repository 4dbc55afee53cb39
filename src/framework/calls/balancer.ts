import { isIP } from 'node:net';
import type { Dispatcher } from 'undici';
import { Attempt } from './attempt.ts';
import { type ConnectionOptions, Endpoint, openPool } from './endpoint.ts';
import type { ExchangeHandler, ExchangeRequest } from './exchange.ts';
import { type HostAddress, HostAddresses } from './host-addresses.ts';

/** The connections to one origin. */
export interface Connections {
  dispatch(request: ExchangeRequest, handler: ExchangeHandler): void;
  /** The number of addresses that respond, at least 1. */
  readonly size: number;
  close(): Promise<void>;
}

/**
 * Opens the connections to an origin, at most `options.connections` for each address. A host name is resolved to all of
 * its addresses; an IP address needs no balancer.
 */
export function openConnections(origin: string, options: ConnectionOptions): Connections {
  const { hostname } = new URL(origin);
  if (isIP(hostname.replace(/^\[|\]$/g, '')) === 0) return new Balancer(origin, hostname, options);
  const pool = openPool(origin, { ...options, connect: { timeout: options.connect } });
  return {
    dispatch: (request, handler) => void pool.dispatch(request as Dispatcher.DispatchOptions, handler),
    size: 1,
    close: () => pool.destroy(),
  };
}

/**
 * Spreads requests over the addresses of a host name: each goes to the address with the fewest requests in flight.
 *
 * Each request is sent to one address. It goes to another address only if no byte of it was sent, or if it is safe (RFC
 * 9110, 9.2.1) and its connection broke before the response.
 */
class Balancer implements Connections {
  readonly #origin: string;
  readonly #options: ConnectionOptions;
  readonly #addresses: HostAddresses;
  #endpoints: readonly Endpoint[] = [];
  #turn = 0;
  #isClosed = false;

  constructor(origin: string, hostname: string, options: ConnectionOptions) {
    this.#origin = origin;
    this.#options = options;
    this.#addresses = new HostAddresses(hostname, (addresses) => this.#setAddresses(addresses));
  }

  get size(): number {
    return this.#endpoints.filter(({ isEjected }) => !isEjected).length || 1;
  }

  dispatch(request: ExchangeRequest, handler: ExchangeHandler): void {
    const attempt = new Attempt(this, request, handler);
    const resolving = this.#addresses.ready(this.#options.connect);
    if (resolving === undefined) attempt.start(undefined);
    else void resolving.then((error) => attempt.start(error));
  }

  /** Chooses the next address of a request; undefined if it has tried all of them. */
  choose(tried: readonly Endpoint[]): Endpoint | undefined {
    const now = performance.now();
    const count = this.#endpoints.length;
    const { isForPolls = false } = this.#options;
    this.#turn += 1;
    let best: Endpoint | undefined;
    for (let index = 0; index < count; index += 1) {
      // Equal addresses take turns.
      const next = this.#endpoints[(this.#turn + index) % count] as Endpoint;
      if (!tried.includes(next) && (best === undefined || isBetter(next, best, now, isForPolls))) best = next;
    }
    // This request is a probe. Eject the address again, so that other requests avoid it until it responds.
    if (best?.rank(now) === 0) best.eject(now);
    return best;
  }

  reportFailure(endpoint: Endpoint): void {
    endpoint.fail(performance.now());
    this.#addresses.refresh();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#endpoints.map(({ pool }) => pool.destroy()));
    this.#endpoints = [];
  }

  #setAddresses(addresses: readonly HostAddress[]): void {
    if (this.#isClosed) return;
    const known = new Map(this.#endpoints.map((endpoint) => [endpoint.address, endpoint]));
    const hasOthers = () => this.#endpoints.length > 1;
    this.#endpoints = addresses.map(
      (one) => known.get(one.address) ?? new Endpoint(this.#origin, one, this.#options, hasOthers),
    );
    for (const endpoint of this.#endpoints) known.delete(endpoint.address);
    // Close the connections to removed addresses: idle ones now, the others after their requests in flight.
    for (const { pool } of known.values()) void pool.close();
  }
}

function isBetter(one: Endpoint, other: Endpoint, now: number, isForPolls: boolean): boolean {
  // A poll is no probe, because it would notice only after its long timeout that the address still fails.
  const rankOf = (endpoint: Endpoint) => endpoint.rank(now) || (isForPolls ? 2 : 0);
  const [rank, otherRank] = [rankOf(one), rankOf(other)];
  if (rank !== otherRank) return rank < otherRank;
  return rank === 1 ? one.inFlight < other.inFlight : one.ejectedUntil < other.ejectedUntil;
}
