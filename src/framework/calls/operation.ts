import type { ActsAs } from '../context/principal.ts';
import type { OperationContract } from '../openapi/response-contract.ts';
import type { CallMetrics } from './call-metrics.ts';

/**
 * Calls an operation of a peer. Resolves with the body of the success, which matches the contract.
 * @throws {PeerUnavailable} The peer did not respond, or its response does not match the contract.
 * @throws {PeerTimeout} There was no complete response before the deadline.
 */
export interface Operation<Init, Data> {
  (init: Init): Promise<Data>;
  readonly peer: string;
  /** `GET /pet/pets/` */
  readonly target: string;
  readonly contract: OperationContract;
  /** Total ms for a call. */
  readonly deadline: number;
  /** The principal of its calls by default. */
  readonly as: ActsAs;
  readonly counts: CallMetrics;
}
