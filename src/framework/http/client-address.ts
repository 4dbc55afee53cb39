import { isIP, SocketAddress } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { clientAddressHeader } from './internal-caller.ts';

/**
 * Returns the address of the client of a request, without a port. Only a gateway with the internal credential may name
 * an address other than its own.
 */
export function readClientAddress(this: FastifyRequest): string {
  const sent = this.headers[clientAddressHeader];
  return this.caller === 'gateway' && typeof sent === 'string' && isIP(sent) !== 0
    ? sent
    : normalize(withoutPort(this.ip));
}

/**
 * Returns the usual spelling of an address, so that each client has one count: `1.1.1.1` for `::ffff:101:101`, and
 * `2001:db8::1` for `2001:DB8:0::1` (RFC 5952).
 */
function normalize(address: string): string {
  if (isIP(address) !== 6) return address;
  return new SocketAddress({ address, family: 'ipv6' }).address.replace(/^::ffff:(?=.*\.)/, '');
}

/**
 * Removes the port that some proxies add to an address in `x-forwarded-for`, as RFC 7239, section 6, permits it in
 * `Forwarded`. With the port, each connection of a client would have separate limits.
 */
function withoutPort(address: string): string {
  if (isIP(address) !== 0) return address;
  const [, v6, v4] = /^(?:\[(.+)\]|([^:]+))(?::\d+)?$/.exec(address) ?? [];
  const plain = v6 ?? v4 ?? '';
  return isIP(plain) === 0 ? address : plain;
}
