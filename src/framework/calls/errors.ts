import { GatewayTimeout, LoopDetected, ServiceUnavailable } from '../errors/problem.ts';
import { reasonOf } from '../errors/reason.ts';
import { getLogger } from '../logging/logger.ts';

// The errors keep the names of their base classes, because traces have the name as `error.type`.

/** The operation whose call failed. */
interface CalledOperation {
  readonly peer: string;
  /** `GET /pet/pets/` */
  readonly target: string;
}

/** 503: the peer did not respond, or its response does not match the contract. Creating the error logs it. */
export class PeerUnavailable extends ServiceUnavailable {
  constructor(operation: CalledOperation, fault: string, cause?: unknown) {
    super(`The ${operation.peer} service is not available`);
    this.name = 'ServiceUnavailable';
    logFailedCall(operation, fault, cause);
  }
}

/** 504: the peer sent no complete response before the deadline. Creating the error logs it. */
export class PeerTimeout extends GatewayTimeout {
  constructor(operation: CalledOperation) {
    super(`The ${operation.peer} service did not respond in time`);
    this.name = 'GatewayTimeout';
    logFailedCall(operation, 'no answer in time');
  }
}

/** 508: the call made too many hops. Creating the error logs it, so each service on the way has an entry. */
export class CallLoop extends LoopDetected {
  constructor(operation: CalledOperation) {
    super();
    this.name = 'LoopDetected';
    logFailedCall(operation, 'too many hops');
  }
}

/** Logs a single short entry without a stack, because an outage affects many calls. */
function logFailedCall({ peer, target }: CalledOperation, fault: string, cause?: unknown): void {
  const reason = cause === undefined ? undefined : reasonOf(cause);
  getLogger().warn({ peer, operation: target, fault, reason }, 'call failed');
}
