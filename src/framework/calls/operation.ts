import { currentContext, outgoingContext } from '../context/context.ts';
import { safeMethods } from '../context/methods.ts';
import type { ActsAs } from '../context/principal.ts';
import { inject, type PropagatedContext } from '../context/propagation.ts';
import { describeCall, runInSpan, type Span } from '../context/span.ts';
import { RequestEnded } from '../errors/problem.ts';
import { getLogger } from '../logging/logger.ts';
import { type OpenApiDocument, type OperationContract, readContract } from '../openapi/response-contract.ts';
import { assertOutsideWrite, createRequestWriter, rejectEmptyLists } from './call-init.ts';
import { CallMetrics, type CallOutcome } from './call-metrics.ts';
import {
  type CalledOperation,
  CallLoop,
  PeerOutcomeUnknown,
  PeerTimeout,
  PeerUnavailable,
} from './errors.ts';
import { ResponseLost, ResponseTimeout } from './exchange.ts';
import type { CallInit } from './peers.ts';
import { toCallerProblem } from './refusal.ts';
import type { HttpRequest, HttpResponse, TransportLimits } from './transport.ts';

/**
 * Calls an operation of a peer. Resolves with the body of the success, which matches the contract.
 * @throws {PeerUnavailable} The peer did not respond, or its response does not match the contract. Nothing was changed.
 * @throws {PeerOutcomeUnknown} The same, and the call may have changed something.
 * @throws {PeerTimeout} There was no complete response before the deadline.
 */
export interface Operation extends CalledOperation {
  (init?: CallInit): Promise<unknown>;
  readonly contract: OperationContract;
  /** Total ms for a call. */
  readonly deadline: number;
  /** The principal of its calls by default. */
  readonly as: ActsAs;
  readonly counts: CallMetrics;
}

export interface PeerOptions {
  /** The service that calls. Absent: the calls name no service. */
  readonly service?: string;
  /** The peer's origin, as `http://host:port`. */
  origin(): string;
  /** The merged document. Undefined while it is being generated: there are no operations then. */
  readonly contract: OpenApiDocument | undefined;
  /** Total ms for a call. */
  readonly deadline: number;
  readonly limits?: TransportLimits;
  /** The headers of each call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called when a response does not match the contract. */
  onMismatch?(): void;
}

/** A peer with open connections. */
interface CallablePeer {
  readonly name: string;
  readonly options: PeerOptions;
  /** The headers of each call, by its principal. */
  readonly headersOf: Readonly<Record<ActsAs, Readonly<Record<string, string>>>>;
  /** The metrics of the operations, by target. */
  readonly counts: Map<string, CallMetrics>;
  send(request: HttpRequest): Promise<HttpResponse>;
}

/** Creates the function that calls an operation of a peer. */
export function createOperation(
  { name, options, headersOf, counts, send }: CallablePeer,
  method: string,
  path: string,
): Operation {
  const { origin, deadline, service } = options;
  if (options.contract === undefined) throw new Error(`The contract of ${name} is not generated yet`);
  const contract = readContract(options.contract, method, path);
  const verb = method.toUpperCase() as HttpRequest['method'];
  const target = `${verb} ${path}`;
  const called = { peer: name, target };
  const defaultAs = contract.defaultActsAs(service ?? '');
  // An operation that is declared twice has one set of metrics.
  const counted = counts.get(target) ?? new CallMetrics();
  counts.set(target, counted);
  const createRequest = createRequestWriter(contract, origin);

  function end(outcome: CallOutcome, begun: number, init: CallInit): void {
    counted.end(outcome, begun);
    const log = getLogger();
    if (!log.isLevelEnabled('debug')) return;
    const lists = Object.values(init.query ?? {}).filter(Array.isArray);
    const ms = Math.round((performance.now() - begun) * 1000) / 1000;
    log.debug({ peer: name, operation: target, ids: lists[0]?.length, outcome, ms }, 'call');
  }

  /** Creates the error of a call without a valid response. `mayHaveEffect`: the peer may have done what it was sent. */
  function fail(description: string, mayHaveEffect: boolean, cause?: unknown, status?: number): Error {
    const isUnknown = mayHaveEffect && !safeMethods.has(verb);
    const PeerError = isUnknown ? PeerOutcomeUnknown : PeerUnavailable;
    return new PeerError(called, description, cause, status);
  }

  async function call(init: CallInit = {}): Promise<unknown> {
    assertOutsideWrite(target);
    rejectEmptyLists(target, init.query);
    if (currentContext()?.request?.isOver) throw new RequestEnded();
    const propagated = outgoingContext(deadline, init.as ?? defaultAs);
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
    init: CallInit,
    propagated: PropagatedContext,
    begun: number,
    span?: Span,
  ): Promise<unknown> {
    const leftMs = Math.floor(propagated.deadline - begun);
    const as = init.as ?? defaultAs;
    let response: HttpResponse | undefined;
    let body: unknown;
    try {
      const headers = Object.assign(inject(propagated), headersOf[as]);
      response = await send(createRequest(init, headers, leftMs));
      body = contract.hasBody(response.status) ? JSON.parse(response.content) : undefined;
    } catch (error) {
      if (error instanceof RequestEnded) throw error;
      const isTimeout = error instanceof ResponseTimeout;
      end(isTimeout ? 'timeout' : 'network_error', begun, init);
      if (isTimeout) throw new PeerTimeout(called);
      const isLost = error instanceof ResponseLost;
      // The body of a response can be malformed.
      const mayHaveEffect = response === undefined ? isLost : !hasChangedNothing(response.status);
      throw fail('no response', mayHaveEffect, isLost ? error.cause : error);
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
    throw fail(mismatch, !hasChangedNothing(response.status), undefined, response.status);
  }

  return Object.assign(call, { ...called, contract, deadline, as: defaultAs, counts: counted });
}

/** Whether the status of a response that is no valid success says that the request changed nothing. */
function hasChangedNothing(status: number): boolean {
  return (status >= 400 && status < 500) || status === 503 || status === 507;
}
