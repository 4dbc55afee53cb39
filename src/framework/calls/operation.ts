import type { GatewayTimeout, ServiceUnavailable } from '../errors/problem.ts';
import type { OperationContract } from '../openapi/response-contract.ts';
import type { CallMetrics } from './call-metrics.ts';

/**
 * Calls the operation and resolves with its success: checked, so it is what the contract says.
 * @throws {ServiceUnavailable} if the peer does not respond, or its response breaks the contract.
 * @throws {GatewayTimeout} if the response is not complete before the deadline.
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
  /** Creates and logs the error for a response that matches the contract but is impossible. */
  refuse(fault: string): ServiceUnavailable;
  /** An error for one that waits no longer; it is logged. */
  refuseLate(): GatewayTimeout;
}
