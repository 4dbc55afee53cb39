import { GatewayTimeout, LoopDetected, ServiceUnavailable } from '../errors/problem.ts';
import { reasonOf } from '../errors/reason.ts';
import { getLogger } from '../logging/logger.ts';

// The errors have the names of their base classes, because a span records the name as `error.type`.

/** The operation of a call. */
export interface CalledOperation {
  readonly peer: string;
  /** `GET /pet/pets/` */
  readonly target: string;
}

/** 503: the peer did not respond, or its response does not match the contract. The constructor logs the error. */
export class PeerUnavailable extends ServiceUnavailable {
  /** The status of the peer's response. Undefined if there was none. */
  readonly peerStatus: number | undefined;

  constructor(operation: CalledOperation, description: string, cause?: unknown, peerStatus?: number) {
    super(`The ${operation.peer} service is not available`);
    this.name = 'ServiceUnavailable';
    this.peerStatus = peerStatus;
    logFailedCall(operation, description, cause);
  }
}

/**
 * 504: a call that may change something was sent, and no response says whether it did. The constructor logs the error.
 */
export class PeerOutcomeUnknown extends GatewayTimeout {
  /** The status of the peer's response. Undefined if there was none. */
  readonly peerStatus: number | undefined;

  constructor(operation: CalledOperation, description: string, cause?: unknown, peerStatus?: number) {
    super(`The ${operation.peer} service sent no valid response: the outcome is unknown`);
    this.name = 'GatewayTimeout';
    this.peerStatus = peerStatus;
    logFailedCall(operation, description, cause);
  }
}

/** 504: the peer sent no complete response before the deadline. The constructor logs the error. */
export class PeerTimeout extends GatewayTimeout {
  constructor(operation: CalledOperation) {
    super(`The ${operation.peer} service did not respond in time`);
    this.name = 'GatewayTimeout';
    logFailedCall(operation, 'no response in time');
  }
}

/** 508: the call made too many hops. The constructor logs the error, so each service of the loop has an entry. */
export class CallLoop extends LoopDetected {
  constructor(operation: CalledOperation) {
    super();
    this.name = 'LoopDetected';
    logFailedCall(operation, 'too many hops');
  }
}

/** Logs a short entry without a stack, because an outage affects many calls. */
function logFailedCall({ peer, target }: CalledOperation, error: string, cause?: unknown): void {
  const reason = cause === undefined ? undefined : reasonOf(cause);
  getLogger().warn({ peer, operation: target, error, reason }, 'call failed');
}
