import type { ActsAs } from '../context/principal.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import { listEventSchemas } from '../openapi/event-feed.ts';
import { findOperation, findUnreadable, type OpenApiDocument } from '../openapi/response-contract.ts';
import { lookupByIds } from './batch/lookup.ts';
import type { Operation } from './operation.ts';
import type { CallInit, Lookup } from './peers.ts';

/** The use of an operation of a peer by a service. */
export interface PeerUse {
  /** The service that calls. */
  readonly service: string;
  readonly peer: string;
  readonly operationId: string;
  /** The query parameters that the service sends; undefined: it may send any. */
  readonly sends: readonly string[] | undefined;
  /** The types of events that the service handles, if the operation is the feed of the peer. */
  readonly events?: readonly string[];
}

/** A use of an operation that the peer does not have. The message names service, peer, operation and the fix. */
export class PeerUseError extends DefinitionError {}

interface PeerOperationsOptions {
  readonly service: string;
  readonly peer: string;
  /** The merged document. Undefined while it is generated: then a service can declare any operation and call none. */
  readonly contract: OpenApiDocument | undefined;
  /** Members of the object that are no operations. */
  readonly members: Readonly<Record<string, unknown>>;
  /** Opens the operation of the contract with this method and path. */
  open(method: string, path: string, use: PeerUse): Operation;
}

interface LookupOptions {
  readonly key?: string;
  readonly as?: ActsAs;
}

/** An operation without its types. */
interface AnyOperation {
  (init?: CallInit): Promise<unknown>;
  batchBy(parameter: string, options?: LookupOptions): Lookup<number, unknown>;
}

/**
 * Creates the object through which a service calls a peer, and the list of its uses. Reading a property declares the
 * use of one operation.
 */
export function createPeerOperations(options: PeerOperationsOptions) {
  const uses: PeerUse[] = [];
  const declared = new Map<string, AnyOperation>();
  const operations = new Proxy<Record<string, AnyOperation>>(
    {},
    {
      get(_target, operationId) {
        // Promises read `then` and JSON.stringify reads `toJSON`: these are no uses.
        if (typeof operationId === 'symbol' || operationId === 'then' || operationId === 'toJSON')
          return undefined;
        if (Object.hasOwn(options.members, operationId)) return options.members[operationId];
        const known = declared.get(operationId);
        if (known !== undefined) return known;
        const { use, operation } = declareOperation(operationId, options);
        uses.push(use);
        declared.set(operationId, operation);
        return operation;
      },
    },
  );
  return { operations, uses: uses as readonly PeerUse[], addUse: (use: PeerUse) => void uses.push(use) };
}

function declareOperation(
  operationId: string,
  { service, peer, contract, open }: PeerOperationsOptions,
): { readonly use: PeerUse; readonly operation: AnyOperation } {
  const use = { service, peer, operationId, sends: undefined as string[] | undefined };
  const send = (name: string) => {
    use.sends ??= [];
    if (!use.sends.includes(name)) use.sends.push(name);
  };
  if (contract === undefined) {
    const call = () => Promise.reject(new PeerUseError(describeTooEarly(use)));
    const batchBy = (parameter: string) => {
      send(parameter);
      return call;
    };
    return { use, operation: Object.assign(call, { batchBy }) };
  }
  const { method, path } = checkUse(contract, use);
  const operation = open(method, path, use);
  const call = (init?: CallInit) => {
    // `sends` lists parameters after `batchBy`. Add the parameters of this call. Undefined means any parameter.
    if (use.sends !== undefined) Object.keys(init?.query ?? {}).forEach(send);
    return operation(init);
  };
  const batchBy: AnyOperation['batchBy'] = (parameter, { key = 'id', as = operation.as } = {}) => {
    checkUse(contract, { ...use, sends: [parameter] });
    send(parameter);
    return lookupByIds(operation, { parameter, key, as });
  };
  return { use, operation: Object.assign(call, { batchBy }) };
}

/**
 * Finds the operation of a use in the merged document.
 * @throws {PeerUseError} if the peer has no such operation or query parameter, or if a call cannot read its response.
 */
export function checkUse(contract: OpenApiDocument, use: PeerUse) {
  const { service, peer, operationId, sends = [], events = [] } = use;
  const found = findOperation(contract, `${peer}.${operationId}`);
  if (found === undefined && use.events !== undefined)
    throw new PeerUseError(
      `${service} handles events of ${peer}, which emits none: declare events in ${peer}`,
    );
  if (found === undefined) {
    const known = Object.values(contract.paths)
      .flatMap((item) => Object.values(item).map((operation) => operation.operationId ?? ''))
      .filter((id) => id.startsWith(`${peer}.`))
      .map((id) => id.slice(peer.length + 1));
    throw new PeerUseError(
      `${service} uses the operation ${operationId} of ${peer}, which has ${list(known)}. Correct the name; after a change of ${peer} run ./run.sh generate`,
    );
  }
  const unreadable = use.events === undefined ? findUnreadable(found.operation) : undefined;
  if (unreadable !== undefined) {
    throw new PeerUseError(
      `${service} uses the operation ${operationId} of ${peer}, ${unreadable}: a call reads JSON only`,
    );
  }
  const parameters = (found.operation.parameters ?? [])
    .filter((one) => one.in === 'query')
    .map(({ name }) => name);
  const unknown = sends.find((name) => !parameters.includes(name));
  if (unknown !== undefined) {
    throw new PeerUseError(
      `${service} sends the query parameter ${unknown} to ${operationId} of ${peer}, which has ${list(parameters)}. Correct the name; after a change of ${peer} run ./run.sh generate`,
    );
  }
  const emitted = listEventSchemas(contract, found);
  const missing = events.find((type) => !emitted.has(type));
  if (missing !== undefined) {
    throw new PeerUseError(
      `${service} handles the event ${missing} of ${peer}, which emits ${list([...emitted.keys()])}. Correct the name; after a change of ${peer} run ./run.sh generate`,
    );
  }
  return found;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

/** Returns the error message for a call before the app listens. */
export function describeTooEarly({ service, peer, operationId }: PeerUse): string {
  return `${service} called ${operationId} of ${peer} before the app listens. Call it in a handler, in onStart or in a job`;
}
