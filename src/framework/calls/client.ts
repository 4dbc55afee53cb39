import {
  createFinalURL,
  createQuerySerializer,
  defaultPathSerializer as pathSerializer,
} from 'openapi-fetch';
import type { HttpMethod } from 'openapi-typescript-helpers';
import { currentContext, outgoingContext } from '../context/context.ts';
import { inject, type PropagatedContext } from '../context/propagation.ts';
import { describeCall, runInSpan, type Span } from '../context/span.ts';
import { GatewayTimeout, LoopDetected, RequestEnded, ServiceUnavailable } from '../errors/problem.ts';
import { reasonOf } from '../errors/reason.ts';
import { getLogger } from '../logging/logger.ts';
import type { UsedOperation } from '../openapi/compatibility.ts';
import { type OpenApiDocument, type OperationContract, readContract } from '../openapi/response-contract.ts';
import { CallMetrics, type Outcome } from './call-metrics.ts';
import type { LegacyPeer, Operation, OperationOptions } from './operation.ts';
import type { CallInit } from './peers.ts';
import {
  CallTimeoutError,
  HttpRequest,
  type HttpResponse,
  openTransport,
  type TransportLimits,
} from './transport.ts';

export interface PeerOptions {
  /** Where it is now, as `http://host:port`. */
  origin(): string;
  /** The merged document. Absent while it is being generated: operations can be declared then, not called. */
  readonly document: OpenApiDocument | undefined;
  /** ms for a call, in all. */
  readonly deadline: number;
  /** How much of it: connections, past which calls wait for their turn, and bytes of the body of an answer. */
  readonly limits?: TransportLimits;
  /** Sent with each call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Told of each operation that the service declares. */
  onDeclare?(use: UsedOperation): void;
  /** Told when an answer is not what the contract says. */
  onUnfit?(): void;
}

/** What an operation of a service's own declaration takes, as openapi-fetch has it. */
interface LegacyInit {
  readonly params?: {
    readonly path?: Record<string, unknown>;
    readonly query?: Record<string, unknown>;
    readonly header?: Record<string, string>;
  };
  readonly body?: unknown;
}

const querySerializer = createQuerySerializer();

function tooEarly(target: string): string {
  return `${target} was called while contracts are generated: call it in a handler, in onStart or in a job`;
}

/** Stands for a contract that does not exist yet: operations may be declared, not used. */
function absentContract(target: string): OperationContract {
  const fail = () => {
    throw new Error(tooEarly(target));
  };
  return { findFault: fail, maxItems: fail } as unknown as OperationContract;
}

/** Lower-cases the names, so that a header of the caller and one of ours are one. */
function lowerCaseNames(headers: CallInit['headers'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** A neighbour and a way to hang up. */
export function openPeer(name: string, options: PeerOptions) {
  const { origin, document, deadline } = options;
  const { send, close } = openTransport({ connect: deadline, ...options.limits });
  const counts = new Map<string, CallMetrics>();

  function operation(
    method: HttpMethod,
    path: string,
    { sends }: OperationOptions = {},
  ): Operation<LegacyInit | undefined, unknown> {
    options.onDeclare?.({ method, path, sends });
    const operation = createOperation(method, path);
    const convert = ({ params, body }: LegacyInit = {}): CallInit => ({
      ...{ params: params?.path ?? {}, query: params?.query ?? {}, headers: params?.header ?? {}, body },
    });
    const legacy = (init: LegacyInit | undefined) => operation(convert(init));
    return Object.assign(legacy, operation as Omit<typeof operation, never>);
  }

  function createOperation(method: HttpMethod, path: string): Operation<CallInit | undefined, unknown> {
    const contract = document === undefined ? undefined : readContract(document, method, path);
    const verb = method.toUpperCase() as HttpRequest['method'];
    const target = `${verb} ${path}`;
    const takesKey = contract?.takesKey === true;
    // Declared twice, it is one operation all the same.
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

    function refuse(fault: string, cause?: unknown): ServiceUnavailable {
      // An outage affects many calls, and its stack says nothing: each gets one short line.
      const reason = cause === undefined ? undefined : reasonOf(cause);
      getLogger().warn({ peer: name, operation: target, fault, reason }, 'call failed');
      return new ServiceUnavailable(`The ${name} service is not available`);
    }

    function refuseLate(): GatewayTimeout {
      getLogger().warn({ peer: name, operation: target, fault: 'no answer in time' }, 'call failed');
      return new GatewayTimeout(`The ${name} service did not answer in time`);
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
      if (contract === undefined) throw new Error(tooEarly(target));
      if (currentContext()?.request?.isOver) throw new RequestEnded();
      const travel = outgoingContext(deadline);
      const begun = performance.now();
      const left = Math.floor(travel.deadline - begun);
      if (left <= 0) {
        end('timeout', begun, init);
        throw refuseLate();
      }
      const span = currentContext()?.span?.start(describeCall(verb, path, origin()));
      if (span === undefined) return exchange(contract, init, travel, begun);
      const { traceparent } = span;
      return runInSpan(span, exchange(contract, init, { ...travel, traceparent }, begun, span));
    }

    async function exchange(
      contract: OperationContract,
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
        const isLate = error instanceof CallTimeoutError;
        end(isLate ? 'timeout' : 'network_error', begun, init);
        throw isLate ? refuseLate() : refuse('no answer', error);
      }
      span?.set({ 'http.response.status_code': response.status });
      if (response.status === 508) {
        end('loop', begun, init);
        // One line of each service on the way says which calls go round in a circle.
        getLogger().warn({ peer: name, operation: target, fault: 'too many hops' }, 'call failed');
        throw new LoopDetected();
      }
      const contentType = response.headers.get('content-type') ?? '';
      const fault = contract.findFault({ status: response.status, contentType, body });
      end(fault === undefined ? 'ok' : response.ok ? 'invalid_response' : 'error_status', begun, init);
      if (fault === undefined) return body;
      // A neighbour that refuses or fails keeps its contract; one that answers something else may have a new one.
      if (response.ok || response.status === 404 || response.status === 422) options.onUnfit?.();
      throw refuse(fault);
    }

    const what = {
      peer: name,
      target,
      contract: contract ?? absentContract(target),
      deadline,
      counts: counted,
    };
    return Object.assign(call, { ...what, refuse, refuseLate });
  }

  /** A call that no operation declares. */
  function get(path: string, timeout: number): Promise<HttpResponse> {
    const headers = Object.assign(inject(outgoingContext(timeout)), options.headers);
    return send(new HttpRequest(`${origin()}/${name}${path}`, { method: 'GET', headers, timeout }));
  }

  return {
    neighbour: { operation } as LegacyPeer<object>,
    createOperation,
    /** What has been counted of its operations, by their targets. */
    counts: counts as ReadonlyMap<string, CallMetrics>,
    /** Whether its process answers within `timeout` ms. */
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
