import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ResponseTimeout } from '../calls/exchange.ts';
import { monitorPeer, type PeerState } from '../calls/peer.ts';
import { internalLimits } from '../config/limits.ts';
import { currentContext } from '../context/context.ts';
import { acceptedMethods, safeMethods } from '../context/methods.ts';
import { describeCall } from '../context/span.ts';
import { GatewayTimeout, type Problem, ServiceUnavailable } from '../errors/problem.ts';
import { hasBody } from '../http/body-parser.ts';
import type { Logger } from '../logging/logger.ts';
import { claimScope } from '../service/scope.ts';
import { endRequestSpan } from '../tracing/request-span.ts';
import { forwardedHeaders, setResponseHeaders } from './proxy-headers.ts';
import { openUpstream, type Upstream, type UpstreamResponse } from './upstream.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The `content-type` that the client sent with a body, if the request is forwarded. */
    sentType: string | undefined;
  }
}

interface ProxyOptions {
  /** The service whose prefix is forwarded. */
  readonly service: string;
  /** The app that runs it, as `http://host:port`. */
  readonly origin: string;
  /** The maximum time for a complete response, in ms. */
  readonly timeout: number;
  /** The maximum number of connections to that app. Further requests wait. */
  readonly connections: number;
  /** Headers of each request that identify the gateway. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Mounts the proxy of a service: forwards everything below its prefix to the app that runs it. It sends each request
 * once. Path, headers and body stay the same in both directions. Returns the readiness check of the service.
 * @param gateway the name of the gateway in logs, and its logger.
 */
export async function mountProxy(
  server: FastifyInstance,
  gateway: { readonly name: string; readonly log: Logger },
  options: ProxyOptions,
): Promise<() => Promise<PeerState>> {
  const { service, origin, headers } = options;
  const { check, close } = monitorPeer(service, origin, headers);
  server.addHook('onClose', close);
  await server.register(
    async (scope) => {
      claimScope(scope, gateway.name, gateway.log);
      addRoutes(scope, options);
    },
    { prefix: `/${service}` },
  );
  return check;
}

function addRoutes(scope: FastifyInstance, options: ProxyOptions): void {
  const { origin, timeout, connections } = options;

  /** Forwards paths over separate connections. */
  function forward(urls: readonly string[], connections: number, timeout: number, config = {}): void {
    const upstream = openUpstream(origin, connections, timeout);
    scope.addHook('onClose', () => upstream.close());
    const handler = createHandler(options, upstream);
    // The service decides which methods a path has.
    const route = { method: [...acceptedMethods], handler, config: { ...config, isForwarded: true } };
    for (const url of urls) scope.route({ ...route, url });
  }

  forwardBodies(scope);
  forward(['/', '/*'], connections, timeout);
  // A probe that waits for slow requests would make a supervisor restart the app.
  forward(['/health', '/ready'], internalLimits.probes, timeout, { exempt: true });
  // Polls that wait for an event must not keep the connections of other requests.
  forward(['/events'], connections, timeout + internalLimits.pollMs, { isLongPoll: true });
}

/** Makes Fastify read each body completely, unparsed. Only a complete request uses a connection to the service. */
function forwardBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  scope.decorateRequest('sentType', undefined);
  // Fastify rejects media types that it cannot parse, and a QUERY without one. The service must decide that instead.
  scope.addHook('preParsing', (request, _reply, payload, done) => {
    const { headers, method } = request;
    request.sentType = headers['content-type'];
    const isSent = hasBody(headers);
    if (isSent || method === 'QUERY') headers['content-type'] = 'application/octet-stream';
    // Node emits no 'end' for a body that is absent.
    done(null, isSent || method !== 'QUERY' ? payload : Readable.from([]));
  });
}

function createHandler({ service, origin, headers: own }: ProxyOptions, { send }: Upstream) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const { method, url } = request;
    const span = currentContext()?.span?.start(describeCall(method, `/${service}/*`, origin));
    const cancel = send({
      method,
      path: url,
      headers: forwardedHeaders(request, own, span),
      body: request.body as Buffer | undefined,
      isWanted: () => isWanted(reply),
      onResponse: (response) => respond(reply, response),
      onError: (error, isSent) => isWanted(reply) && reply.send(toProblem(service, method, error, isSent)),
      describe: (error) => toProblem(service, method, error, true),
    });
    reply.raw.once('close', () => {
      cancel();
      if (span !== undefined) endRequestSpan(span, reply);
    });
  };
}

/** Returns whether the client still waits: it has not disconnected, and its request has not timed out. */
function isWanted({ request, sent, raw }: FastifyReply): boolean {
  return !request.isTimedOut && !sent && !raw.closed;
}

function respond(reply: FastifyReply, { status, headers, body }: UpstreamResponse): void {
  if (!isWanted(reply)) {
    if (body instanceof Readable) body.destroy();
    return;
  }
  setResponseHeaders(reply, headers);
  reply.code(status).send(body instanceof Buffer && body.length === 0 ? undefined : body);
}

function toProblem(service: string, method: string, error: Error, isSent: boolean): Problem {
  const cause = error.cause ?? error;
  if (cause instanceof ResponseTimeout)
    return new GatewayTimeout(`The ${service} service did not respond in time`, { cause });
  // The outcome is known: nothing was sent, or a safe method changes nothing.
  if (!isSent || safeMethods.has(method))
    return new ServiceUnavailable(`The ${service} service is not available`, { cause });
  return new GatewayTimeout(`The ${service} service sent no response: the outcome is unknown`, { cause });
}
