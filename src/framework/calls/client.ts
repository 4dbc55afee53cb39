import {
  createFinalURL,
  createQuerySerializer,
  defaultPathSerializer as pathSerializer,
} from 'openapi-fetch';
import type { HttpMethod } from 'openapi-typescript-helpers';
import { currentContext, outgoingContext } from '../context/context.ts';
import { openWrite } from '../context/open-write.ts';
import { inject, type PropagatedContext } from '../context/propagation.ts';
import { describeCall, runInSpan, type Span } from '../context/span.ts';
import { RequestEnded } from '../errors/problem.ts';
import { getLogger } from '../logging/logger.ts';
import { type OpenApiDocument, readContract } from '../openapi/response-contract.ts';
import { CallMetrics, type Outcome } from './call-metrics.ts';
import { CallLoop, PeerTimeout, PeerUnavailable } from './errors.ts';
import { ResponseTimeout } from './exchange.ts';
import type { Operation } from './operation.ts';
import type { CallInit } from './peers.ts';
import { HttpRequest, type HttpResponse, openTransport, type TransportLimits } from './transport.ts';

export interface PeerOptions {
  /** The peer's origin, as `http://host:port`. */
  origin(): string;
  /** The merged document. Undefined while it is being generated: there are no operations then. */
  readonly document: OpenApiDocument | undefined;
  /** ms for a call, in all. */
  readonly deadline: number;
  /** Connections, past which calls wait in a queue, and the maximum bytes of a response body. */
  readonly limits?: TransportLimits;
  /** Sent with each call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called when a response does not match the contract. */
  onUnfit?(): void;
}

const querySerializer = createQuerySerializer();

/** Lower-cases the names, so that a header of the caller and one of ours are one. */
function lowerCaseNames(headers: CallInit['headers'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** @throws {TypeError} in a write of a database: it would hold its transaction until the peer responds. */
export function assertOutsideWrite(target: string): void {
  if (openWrite() === undefined) return;
  throw new TypeError(`A write must not call a peer (${target}): call first, write last`);
}

/** Opens the connections to a peer. */
export function openPeer(name: string, options: PeerOptions) {
  const { origin, document, deadline } = options;
  const { send, close } = openTransport({ connect: deadline, ...options.limits });
  const counts = new Map<string, CallMetrics>();

  function createOperation(method: HttpMethod, path: string): Operation<CallInit | undefined, unknown> {
    if (document === undefined) throw new Error(`The contract of ${name} is not generated yet`);
    const contract = readContract(document, method, path);
    const verb = method.toUpperCase() as HttpRequest['method'];
    const target = `${verb} ${path}`;
    const called = { peer: name, target };
    const { takesKey } = contract;
    // An operation that is declared twice is counted as one.
    const counted = counts.get(target) ?? new CallMetrics();
    counts.set(target, counted);

    function end(outcome: Outcome, begun: number, init: CallInit | undefined): void {
      counted.end(outcome, begun);
      const log = getLogger();
      if (!log.isLevelEnabled('debug')) return;
      const lists = Object.values(init?.query ?? {}).filter(Array.isArray);
      const ms = Math.round((performance.now() - begun) * 1000) / 1000;
      log.debug({ peer: name, operation: target, ids: lists[0]?.length, outcome, ms }, 'call');
    }

    function createCall(init: CallInit = {}, headers: Record<string, string>, timeout: number): HttpRequest {
      const { params = {}, query = {}, body } = init;
      const url = createFinalURL(path, {
        baseUrl: origin(),
        params: { path: params, query },
        querySerializer,
        pathSerializer,
      });
      const sent = { ...lowerCaseNames(init.headers), ...headers };
      const { request, keyed, service } = currentContext() ?? {};
      if (takesKey && keyed !== undefined) sent['idempotency-key'] ??= keyed.nextKey(`${service} ${target}`);
      if (body === undefined) return new HttpRequest(url, { method: verb, headers: sent, timeout, request });
      sent['content-type'] = 'application/json';
      return new HttpRequest(url, {
        method: verb,
        headers: sent,
        timeout,
        request,
        body: JSON.stringify(body),
      });
    }

    async function call(init: CallInit | undefined): Promise<unknown> {
      assertOutsideWrite(target);
      if (currentContext()?.request?.isOver) throw new RequestEnded();
      const travel = outgoingContext(deadline);
      const begun = performance.now();
      const left = Math.floor(travel.deadline - begun);
      if (left <= 0) {
        end('timeout', begun, init);
        throw new PeerTimeout(called);
      }
      const span = currentContext()?.span?.start(describeCall(verb, path, origin()));
      if (span === undefined) return exchange(init, travel, begun);
      const { traceparent } = span;
      return runInSpan(span, exchange(init, { ...travel, traceparent }, begun, span));
    }

    async function exchange(
      init: CallInit | undefined,
      travel: PropagatedContext,
      begun: number,
      span?: Span,
    ): Promise<unknown> {
      const left = Math.floor(travel.deadline - begun);
      let response: HttpResponse;
      let body: unknown;
      try {
        response = await send(createCall(init, Object.assign(inject(travel), options.headers), left));
        body = response.ok ? JSON.parse(response.content) : undefined;
      } catch (error) {
        if (error instanceof RequestEnded) throw error;
        const isLate = error instanceof ResponseTimeout;
        end(isLate ? 'timeout' : 'network_error', begun, init);
        throw isLate ? new PeerTimeout(called) : new PeerUnavailable(called, 'no answer', error);
      }
      span?.set({ 'http.response.status_code': response.status });
      if (response.status === 508) {
        end('loop', begun, init);
        throw new CallLoop(called);
      }
      const contentType = response.headers.get('content-type') ?? '';
      const fault = contract.findFault({ status: response.status, contentType, body });
      end(fault === undefined ? 'ok' : response.ok ? 'invalid_response' : 'error_status', begun, init);
      if (fault === undefined) return body;
      // A peer that rejects or fails keeps its contract. Another response may come from a new contract.
      if (response.ok || response.status === 404 || response.status === 422) options.onUnfit?.();
      throw new PeerUnavailable(called, fault);
    }

    return Object.assign(call, {
      ...called,
      contract,
      deadline,
      counts: counted,
    });
  }

  /** A call that no operation declares. */
  function get(path: string, timeout: number): Promise<HttpResponse> {
    const headers = Object.assign(inject(outgoingContext(timeout)), options.headers);
    return send(new HttpRequest(`${origin()}/${name}${path}`, { method: 'GET', headers, timeout }));
  }

  return {
    createOperation,
    /** The metrics of its operations, by their targets. */
    counts: counts as ReadonlyMap<string, CallMetrics>,
    /** Resolves with whether its process responds within `timeout` ms. */
    async isReachable(timeout: number): Promise<boolean> {
      try {
        return (await get('/health', timeout)).ok;
      } catch {
        return false;
      }
    },
    /** Its own OpenAPI document as it is now. */
    async fetchDocument(timeout: number): Promise<OpenApiDocument> {
      const { ok, status, content } = await get('/openapi.json', timeout);
      if (!ok) throw new Error(`status ${status}`);
      return JSON.parse(content) as OpenApiDocument;
    },
    close,
  };
}
