import type { FastifyReply, FastifyRequest } from 'fastify';
import { currentContext } from '../context/context.ts';
import { drainingHeader } from '../context/propagation.ts';
import type { Span } from '../context/span.ts';
import { clientAddressHeader } from '../http/internal-caller.ts';
import type { UpstreamResponse } from './upstream.ts';

/** Headers about one connection, not about the request (RFC 9110, section 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  drainingHeader,
]);

/** Response headers that only the gateway sets: CORS, whether browsers must use HTTPS, and the id of the request. */
const decidedHere = /^(access-control-.*|strict-transport-security|x-request-id)$/;

/**
 * Request headers that a client could forge, or that a proxy must not forward. The gateway has checked `origin` and
 * `sec-fetch-*` (see `crossSite`); the service gets another `Host`, and would reject pages of the gateway's own origin.
 */
const untrusted =
  /^(x-forwarded-.*|forwarded|x-real-ip|x-internal|x-service|x-client-address|proxy-.*|expect|origin|sec-fetch-.*)$/;

type HeaderFields = Record<string, string | string[] | undefined>;

/**
 * Returns the headers of a request as the gateway forwards them.
 * @param own headers that identify the gateway.
 */
export function forwardedHeaders(
  { headers, id, sentType, caller, clientAddress }: FastifyRequest,
  own: Readonly<Record<string, string>>,
  span: Span | undefined,
): HeaderFields {
  const listed = listConnection(headers.connection);
  const kept: HeaderFields = {};
  for (const name in headers) {
    if (!hopByHop.has(name) && !untrusted.test(name) && !listed?.includes(name)) kept[name] = headers[name];
  }
  if (caller === undefined) {
    // The service trusts these headers of the gateway, so it must not get them from an untrusted client.
    delete kept['x-hops'];
    delete kept['x-deadline-ms'];
  }
  const { propagated } = currentContext() ?? {};
  const traceparent = span?.traceparent ?? propagated?.traceparent;
  if (traceparent !== undefined) {
    kept.traceparent = traceparent;
    if (propagated?.tracestate === undefined) delete kept.tracestate;
  }
  // Undici sets these two itself.
  delete kept.host;
  delete kept['content-length'];
  kept['content-type'] = sentType;
  return Object.assign(kept, own, { 'x-request-id': id, [clientAddressHeader]: clientAddress });
}

/**
 * Sets the headers of a service's response on the response to the client. They replace the security headers of the
 * gateway: the service has the same ones, unless a route sets others.
 */
export function setResponseHeaders(reply: FastifyReply, headers: UpstreamResponse['headers']): void {
  const listed = listConnection(headers.connection);
  for (const name in headers) {
    if (hopByHop.has(name) || decidedHere.test(name) || listed?.includes(name)) continue;
    const value = headers[name] as string | string[];
    const isJoined = name === 'vary' && reply.hasHeader(name);
    reply.header(name, isJoined ? joinFields(reply.getHeader(name), value) : value);
  }
}

/** Returns the names in a `connection` header. The headers with these names are about one connection too. */
function listConnection(connection: string | string[] | undefined): string[] | undefined {
  return connection === undefined
    ? undefined
    : String(connection)
        .toLowerCase()
        .split(/[\s,]+/);
}

/** Joins two lists of field names, each name once, in its first spelling. */
function joinFields(...lists: unknown[]): string {
  const members = String(lists).split(/[\s,]+/);
  const known = members.map((member) => member.toLowerCase());
  return members.filter((_member, index) => known.indexOf(known[index] as string) === index).join(', ');
}
