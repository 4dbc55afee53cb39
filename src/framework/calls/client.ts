import {
  createFinalURL,
  createQuerySerializer,
  defaultPathSerializer as pathSerializer,
} from 'openapi-fetch';
import { currentContext, outgoingContext } from '../context/context.ts';
import { enclosingWrite } from '../context/open-write.ts';
import type { ActsAs } from '../context/principal.ts';
import { inject, type PropagatedContext } from '../context/propagation.ts';
import { serviceHeader, writeServiceHeader } from '../context/service-header.ts';
import { describeCall, runInSpan, type Span } from '../context/span.ts';
import { RequestEnded } from '../errors/problem.ts';
import { getLogger } from '../logging/logger.ts';
import { type OpenApiDocument, readContract } from '../openapi/response-contract.ts';
import { lowerCaseNames, rejectEmptyLists } from './call-init.ts';
import { CallMetrics, type CallOutcome } from './call-metrics.ts';
import { CallLoop, PeerTimeout, PeerUnavailable } from './errors.ts';
import { ResponseTimeout } from './exchange.ts';
import type { Operation } from './operation.ts';
import type { CallInit } from './peers.ts';
import { toCallerProblem } from './refusal.ts';
import { type HttpRequest, type HttpResponse, openTransport, type TransportLimits } from './transport.ts';

export interface PeerOptions {
  /** The service that calls. Absent: the calls name no service. */
  readonly service?: string;
  /** The peer's origin, as `http://host:port`. */
  origin(): string;
  /** The merged document. Undefined while it is being generated: there are no operations then. */
  readonly document: OpenApiDocument | undefined;
  /** Total ms for a call. */
  readonly deadline: number;
  readonly limits?: TransportLimits;
  /** The headers of each call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called when a response does not match the contract. */
  onMismatch?(): void;
}

const querySerializer = createQuerySerializer();

/** @throws {TypeError} inside a write of a database: the write would hold its transaction until the peer responds. */
export function assertOutsideWrite(target: string): void {
  if (enclosingWrite() === undefined) return;
  throw new TypeError(`A write must not call a peer (${target}): call first, write last`);
}

/** Opens the connections to a peer. */
export function openPeer(name: string, options: PeerOptions) {
  const { origin, document, deadline, service } = options;
  const { send, close } = openTransport({ connect: deadline, ...options.limits });
  const counts = new Map<string, CallMetrics>();
  const identify = (as: ActsAs) =>
    service === undefined ? {} : { [serviceHeader]: writeServiceHeader(service, as) };
  const headersOf = {
    service: { ...options.headers, ...identify('service') },
    caller: { ...options.headers, ...identify('caller') },
  };

  function createOperation(method: string, path: string): Operation<CallInit | undefined, unknown> {
    if (document === undefined) throw new Error(`The contract of ${name} is not generated yet`);
    const contract = readContract(document, method, path);
    const verb = method.toUpperCase() as HttpRequest['method'];
    const target = `${verb} ${path}`;
    const called = { peer: name, target };
    const { takesKey } = contract;
    const defaultAs = contract.defaultActsAs(service ?? '');
    // An operation that is declared twice has one set of metrics.
    const counted = counts.get(target) ?? new CallMetrics();
    counts.set(target, counted);

    function end(outcome: CallOutcome, begun: number, init: CallInit | undefined): void {
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
      const call = { url, method: verb, headers: sent, timeout, request };
      if (body === undefined) return call;
      sent['content-type'] = 'application/json';
      return { ...call, body: JSON.stringify(body) };
    }

    async function call(init: CallInit | undefined): Promise<unknown> {
      assertOutsideWrite(target);
      rejectEmptyLists(target, init?.query);
      if (currentContext()?.request?.isOver) throw new RequestEnded();
      const propagated = outgoingContext(deadline, init?.as ?? defaultAs);
      const begun = performance.now();
      const leftMs = Math.floor(propagated.deadline - begun);
      if (leftMs <= 0) {
        end('timeout', begun, init);
        throw new PeerTimeout(called);
      }
      const span = currentContext()?.span?.start(describeCall(verb, path, origin()));
      if (span === undefined) return exchange(init, propagated, begun);
      const { traceparent } = span;
      return runInSpan(span, exchange(init, { ...propagated, traceparent }, begun, span));
    }

    async function exchange(
      init: CallInit | undefined,
      propagated: PropagatedContext,
      begun: number,
      span?: Span,
    ): Promise<unknown> {
      const leftMs = Math.floor(propagated.deadline - begun);
      const as = init?.as ?? defaultAs;
      let response: HttpResponse;
      let body: unknown;
      try {
        const headers = Object.assign(inject(propagated), headersOf[as]);
        response = await send(createCall(init, headers, leftMs));
        body = contract.hasBody(response.status) ? JSON.parse(response.content) : undefined;
      } catch (error) {
        if (error instanceof RequestEnded) throw error;
        const isTimeout = error instanceof ResponseTimeout;
        end(isTimeout ? 'timeout' : 'network_error', begun, init);
        throw isTimeout ? new PeerTimeout(called) : new PeerUnavailable(called, 'no response', error);
      }
      span?.set({ 'http.response.status_code': response.status });
      if (response.status === 508) {
        end('loop', begun, init);
        throw new CallLoop(called);
      }
      const contentType = String(response.headers['content-type'] ?? '');
      const mismatch = contract.findMismatch({ status: response.status, contentType, body });
      end(mismatch === undefined ? 'ok' : response.ok ? 'invalid_response' : 'error_status', begun, init);
      if (mismatch === undefined) return body;
      // The token of the caller does not permit the call: that is the caller's error.
      if (as === 'caller' && (response.status === 401 || response.status === 403))
        throw toCallerProblem(response, called.target);
      // Other errors do not depend on the contract. A success, 404 or 422 may come from a changed contract.
      if (response.ok || response.status === 404 || response.status === 422) options.onMismatch?.();
      throw new PeerUnavailable(called, mismatch, undefined, response.status);
    }

    return Object.assign(call, { ...called, contract, deadline, as: defaultAs, counts: counted });
  }

  /** Sends a GET request to a system route of the peer. */
  function get(path: string, timeout: number): Promise<HttpResponse> {
    const headers = Object.assign(inject(outgoingContext(timeout, 'service')), headersOf.service);
    return send({ url: `${origin()}/${name}${path}`, method: 'GET', headers, timeout });
  }

  return {
    createOperation,
    /** Requests a path of the peer. Rejects if there is no complete response within `timeout` ms. */
    get,
    /** The metrics of the operations, by target. */
    counts: counts as ReadonlyMap<string, CallMetrics>,
    /** Resolves with whether the peer responds within `timeout` ms. */
    async isReachable(timeout: number): Promise<boolean> {
      try {
        return (await get('/health', timeout)).ok;
      } catch {
        return false;
      }
    },
    /** Fetches the OpenAPI document that the peer serves now. */
    async fetchDocument(timeout: number): Promise<OpenApiDocument> {
      const { ok, status, content } = await get('/openapi.json', timeout);
      if (!ok) throw new Error(`status ${status}`);
      return JSON.parse(content) as OpenApiDocument;
    },
    close,
  };
}
