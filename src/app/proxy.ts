import { METHODS } from 'node:http';
import { finished, type Readable, Transform } from 'node:stream';
import type { FastifyHttpProxyOptions } from '@fastify/http-proxy';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Context, currentContext, runInContext } from '#common/context.ts';
import { Problem, TimedOut, Unavailable } from '#common/problem.ts';
import { describeCall } from '#common/trace.ts';
import { compressible } from './compression.ts';
import { fixed } from './limits.ts';
import { safeMethods } from './protocol.ts';
import { endRequestSpan } from './request-span.ts';

export interface ProxyOptions {
  /** The service whose prefix is forwarded. */
  readonly service: string;
  /** The app that runs it, as `http://host:port`. */
  readonly origin: string;
  /** ms for the whole answer. */
  readonly timeout: number;
  readonly bodyLimit: number;
  /** To that app; past them requests wait for their turn. */
  readonly connections: number;
  /** Sent with each, to say who forwards it. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Everything that HTTP has, so that it is the service that says which of it a path takes. */
export const forwardedMethods = METHODS.filter((method) => method !== 'CONNECT');

/** About one connection, not about the request: RFC 9110, section 7.6.1. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/**
 * From outside, and so not to be believed; or not for a proxy to pass on. The gateway has checked `origin` and
 * `sec-fetch-*` (see `crossSite`); the service gets another `Host`, and would reject pages of the gateway's own origin.
 */
const untrusted = /^(x-forwarded-.*|forwarded|x-real-ip|x-internal|proxy-.*|expect|origin|sec-fetch-.*)$/;

/**
 * Forwards all below the scope's prefix to the app that runs the service: one request for one, never again, with
 * the same path, headers and body both ways.
 */
export async function forward(scope: FastifyInstance, options: ProxyOptions) {
  const { service, origin, timeout, bodyLimit, connections, headers: own } = options;
  // What a body is, is for the service to say.
  scope.removeAllContentTypeParsers();
  scope.addHook('onRequest', (request, _reply, done) => {
    done(Number(request.headers['content-length'] ?? 0) > bodyLimit ? tooLarge() : undefined);
  });
  scope.addHook('preParsing', (request, _reply, payload, done) => {
    // One in chunks does not say how large it is.
    done(null, request.headers['transfer-encoding'] === undefined ? payload : limit(payload, bodyLimit));
  });

  scope.addHook('preHandler', (request, reply, done) => {
    const context = currentContext();
    const span = context?.span?.start(describeCall(request.method, `/${service}/*`, origin));
    if (span === undefined) return done();
    reply.raw.once('close', () => endRequestSpan(span, reply));
    runInContext({ ...(context as Context), span }, done);
  });

  // Only an app that forwards pays for this import.
  const { default: httpProxy } = await import('@fastify/http-proxy');
  const proxy: FastifyHttpProxyOptions = {
    upstream: origin,
    rewritePrefix: `/${service}`,
    httpMethods: forwardedMethods,
    internalRewriteLocationHeader: false,
    disableRequestLogging: true,
    retryMethods: [],
    destroyAgent: true,
    undici: {
      connections,
      pipelining: 1,
      keepAliveMaxTimeout: fixed.unused,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      connect: { timeout },
    },
    replyOptions: {
      rewriteRequestHeaders: (request, headers) => requestHeaders(request as FastifyRequest, headers, own),
      rewriteHeaders: (headers) => without(headers, (name) => hopByHop.includes(name)),
      onResponse(request, reply, upstream) {
        // A stream is compressed however small it is, unless it is said that it shall not.
        const length = (reply as FastifyReply).getHeader('content-length');
        if (Number(length) < compressible) request.headers['x-no-compression'] = 'small';
        const { stream } = upstream as unknown as {
          stream: NodeJS.ReadableStream & { destroy(error: Error): void };
        };
        // Once the head is out, an answer that does not end can only be ended by closing the connection.
        const late = setTimeout(() => stream.destroy(new Error('no whole answer in time')), timeout);
        (reply as FastifyReply).raw.once('close', () => clearTimeout(late));
        reply.send(stream);
      },
      onError(reply, { error }) {
        reply.send(toProblem(service, (reply as FastifyReply).request.method, error));
      },
    },
  };
  await scope.register(httpProxy, proxy);
}

/** The body is not waited for: what comes on this connection is not the next request. */
function tooLarge(): Problem {
  return new Problem(413, 'The body is too large', { headers: { connection: 'close' } });
}

/** The same bytes, up to `size` of them; past that it fails. */
function limit(payload: Readable, size: number): Readable {
  let left = size;
  const limited = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      left -= chunk.length;
      if (left < 0) next(tooLarge());
      else next(null, chunk);
    },
  });
  // Not `pipeline`: that would end the connection with the body, and so without an answer.
  finished(payload, { writable: false }, (error) => error && limited.destroy(error));
  return payload.pipe(limited);
}

type Headers = Record<string, unknown>;

function requestHeaders(request: FastifyRequest, headers: Headers, own: Headers): never {
  const kept = without(headers, (name) => hopByHop.includes(name) || untrusted.test(name));
  const { travel, span } = currentContext() ?? {};
  const traceparent = span?.traceparent ?? travel?.traceparent;
  if (traceparent !== undefined) {
    kept.traceparent = traceparent;
    if (travel?.tracestate === undefined) delete kept.tracestate;
  }
  return { ...kept, ...own, 'x-request-id': request.id } as never;
}

function without<Values extends object>(headers: Values, isLeftOut: (name: string) => boolean): Values {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isLeftOut(name))) as Values;
}

const unreached = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
];

function toProblem(service: string, method: string, error: Error): Problem {
  const cause = (error.cause ?? error) as NodeJS.ErrnoException;
  if (cause instanceof Problem) return cause;
  const code = cause.code ?? '';
  if (unreached.includes(code)) return new Unavailable(`The ${service} service is not available`, { cause });
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return new TimedOut(`The ${service} service did not answer in time`, { cause });
  // Nothing was changed, so nothing is unknown.
  if (safeMethods.has(method)) return new Unavailable(`The ${service} service is not available`, { cause });
  return new TimedOut(`The ${service} service gave no answer: the outcome is unknown`, { cause });
}
