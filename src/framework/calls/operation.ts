import type { GatewayTimeout, ServiceUnavailable } from '../errors/problem.ts';
import type { OperationContract } from '../openapi/response-contract.ts';
import type { CallMetrics } from './call-metrics.ts';

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
