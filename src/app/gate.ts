import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { FastifyServerOptions } from 'fastify';
import type { Logger } from '#common/logger.ts';
import { problemMediaType, Unavailable } from '#common/problem.ts';
import { prepareProblemBody } from '#common/problem-handler.ts';
import { childOf, logRequest } from '#common/request-log.ts';
import { readRequestId } from '#common/travel.ts';
import type { Always } from './always.ts';
import { boundConnections } from './connections.ts';
import type { Key } from './key.ts';
import type { Limits } from './limits.ts';
import { linger } from './linger.ts';
import type { Policy } from './policy.ts';
import { openPressure, type Pressure } from './pressure.ts';
import type { Traffic } from './traffic.ts';

export interface GateOptions {
  readonly limits: Limits;
  readonly key: Key;
  readonly always: Always;
  readonly log: Logger;
  /** Headers of each response. */
  readonly policy: Policy;
  /** Where what is shed is counted. */
  readonly traffic?: Traffic | undefined;
}

/** What stands before Fastify. */
export interface Gate {
  readonly pressure: Pressure;
  /** Makes the server, of the options that Fastify has for it. */
  readonly serverFactory: NonNullable<FastifyServerOptions['serverFactory']>;
}

/**
 * Sheds what is too much, before Fastify has made anything for it: a 503 at once, and its access line. Never shed is
 * what is always answered, and a call that a service of ours makes: what waits for it has been admitted, here or in
 * the app that sent it. What a gateway forwards has not been admitted here, and takes its chance like every other.
 * Nothing waits for admission, so nothing can wait in circles.
 */
export function createGate({ limits, key, always, log, policy, traffic }: GateOptions): Gate {
  const pressure = openPressure(limits);
  const connections = boundConnections(limits.connections);
  const busy = new Unavailable('The server is busy');
  // What is the same for each is worked out once: the more a refusal costs, the less is left for what is admitted.
  const busyBody = prepareProblemBody(busy);
  const contentType = `${problemMediaType}; charset=utf-8`;
  const headers = Object.entries({ ...policy, ...busy.headers, 'content-type': contentType }).flat();

  function pass(handle: RequestListener): RequestListener {
    return (request, response) => {
      const isTooMany = connections.isTooMany(request.socket, () => key.read(request.headers) !== undefined);
      if (isTooMany) response.shouldKeepAlive = false;
      if ((isTooMany || pressure.isFull()) && !isExempt(request)) {
        if (traffic !== undefined) traffic.shed[isTooMany ? 'connections' : 'requests'] += 1;
        return refuse(request, response);
      }
      handle(request, response);
    };
  }

  function isExempt({ headers, url }: IncomingMessage): boolean {
    return key.read(headers) === 'service' || always.has(url ?? '');
  }

  function refuse(request: IncomingMessage, response: ServerResponse): void {
    const begun = performance.now();
    const { method = '', url = '' } = request;
    const reqId = readRequestId(request.headers);
    const body = busyBody(url);
    const length = String(Buffer.byteLength(body));
    response.writeHead(busy.status, [...headers, 'x-request-id', reqId, 'content-length', length]);
    response.end(body);
    const took = performance.now() - begun;
    pressure.refused(took);
    const ms = Math.round(took * 1000) / 1000;
    const path = url.split('?', 1)[0] as string;
    logRequest(childOf(log, reqId), { method, path, status: busy.status, ms });
  }

  return {
    pressure,
    serverFactory(handle, options) {
      const { http } = options as { http: object };
      const server = createServer(http, linger(pass(handle as RequestListener)));
      connections.watch(server);
      server.once('close', pressure.close);
      return server;
    },
  };
}
