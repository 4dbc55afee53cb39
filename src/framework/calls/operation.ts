import type { FetchResponse, MaybeOptionalInit } from 'openapi-fetch';
import type { FilterKeys, HttpMethod, PathsWithMethod } from 'openapi-typescript-helpers';
import type { GatewayTimeout, ServiceUnavailable } from '../errors/problem.ts';
import type { OperationContract } from '../openapi/response-contract.ts';
import type { CallMetrics } from './call-metrics.ts';

/** Another service, as callers see it that declare operations by method and path. `PeerOf` takes its place. */
export interface LegacyPeer<Paths extends object> {
  /** Declares one operation that the service uses; do it once, when the service registers. */
  operation<
    Method extends HttpMethod,
    Path extends PathsWithMethod<Paths, Method>,
    Init = MaybeOptionalInit<Paths[Path], Method & keyof Paths[Path]>,
  >(method: Method, path: Path, options?: OperationOptions): Operation<Init, Success<Paths, Method, Path>>;
}

export interface OperationOptions {
  /** The query parameters that the service sends, all of them. What it never sends cannot break it. */
  readonly sends?: readonly string[];
}

type Success<Paths extends object, Method extends HttpMethod, Path extends keyof Paths> = NonNullable<
  FetchResponse<
    FilterKeys<Paths[Path], Method> & Record<string | number, unknown>,
    unknown,
    'application/json'
  >['data']
>;

/**
 * Calls the operation and resolves with its success: checked, so it is what the contract says.
 * @throws {ServiceUnavailable} the peer did not answer, or not as its contract says.
 * @throws {GatewayTimeout} no whole answer before the deadline.
 */
export interface Operation<Init, Data> {
  (init: Init): Promise<Data>;
  readonly peer: string;
  /** `GET /pet/pets/` */
  readonly target: string;
  readonly contract: OperationContract;
  /** ms for a call, in all. */
  readonly deadline: number;
  readonly counts: CallMetrics;
  /** An error for an answer that fits the contract and still cannot be true; it is logged. */
  refuse(fault: string): ServiceUnavailable;
  /** An error for one that waits no longer; it is logged. */
  refuseLate(): GatewayTimeout;
}
