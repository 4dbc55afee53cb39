import { internalLimits } from '../config/limits.ts';
import { runAs } from '../context/context.ts';
import type { Logger } from '../logging/logger.ts';
import { feedOperationId } from '../openapi/event-feed.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import { openPeer } from './client.ts';
import { createContractMonitor } from './contract-monitor.ts';
import { checkUse, createPeerOperations, describeTooEarly, PeerUseError } from './peer-operations.ts';
import type { CallInit } from './peers.ts';
import type { TransportLimits } from './transport.ts';

/** The result of a check of a peer. `unreachable`: it does not respond. `broken`: it breaks its contract. */
export type PeerState = 'OK' | 'unreachable' | 'broken';

interface ConnectPeerOptions {
  /** The service that calls. */
  readonly service: string;
  /** The service that is called. */
  readonly other: string;
  /** The merged document. Undefined while it is generated. */
  readonly contract: OpenApiDocument | undefined;
  /** Total ms for a call. */
  readonly deadline: number;
  readonly limits: TransportLimits;
  /** The headers of each call, which identify the caller. */
  readonly headers: Readonly<Record<string, string>>;
  readonly log: Logger;
  /** Returns the peer's document, if the peer runs in this app. Otherwise the monitor fetches it. */
  readonly document: (() => OpenApiDocument) | undefined;
  /** Members of the peer, as the service sees it, that are no operations. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** Connects a service to a peer, and monitors the contract that the peer serves. */
export function connectPeer({
  service,
  other,
  contract,
  deadline,
  limits,
  headers,
  log,
  document,
  members,
}: ConnectPeerOptions) {
  let origin: string | undefined;
  const opened = openPeer(other, {
    service,
    origin() {
      if (origin === undefined) throw new Error(`The origin of ${other} is not set: the app does not listen`);
      return origin;
    },
    ...{ contract, deadline, limits, headers },
    onMismatch: () => runAs(service, 'contract', log, monitor.checkSoon),
  });
  const monitor = createContractMonitor({
    service,
    peer: other,
    contract: contract ?? { openapi: '3.1.0', paths: {} },
    log,
    fetchDocument: async () => document?.() ?? opened.fetchDocument(internalLimits.checkMs),
  });
  const { operations, uses, addUse } = createPeerOperations({
    service,
    peer: other,
    ...{ contract, members },
    open(method, path, use) {
      const operation = opened.createOperation(method, path);
      monitor.addUse({
        method,
        path,
        by: { service, as: operation.as },
        get sends() {
          return use.sends;
        },
      });
      const call = (init?: CallInit) => {
        if (origin === undefined) return Promise.reject(new PeerUseError(describeTooEarly(use)));
        return operation(init);
      };
      return Object.assign(call, operation);
    },
  });
  return {
    /** The peer as the service sees it: one property per operation. */
    operations,
    /** The operations that the service has declared so far. */
    uses,
    /** Sets the peer's origin, as `http://host:port`. The app calls it once, when it listens; earlier calls fail. */
    setOrigin(value: string): void {
      origin = value;
    },
    counts: opened.counts,
    isBroken: monitor.isBroken,
    /** Requests a path of the peer that may wait long. Rejects without a complete response within `timeout` ms. */
    poll: opened.poll,
    /**
     * Declares that the service handles these types of events of the peer.
     * @throws {PeerUseError} if the peer does not emit one of them.
     */
    useEvents(events: readonly string[]): void {
      const sends = ['after', 'limit', 'timeout', 'types'];
      const use = { service, peer: other, operationId: feedOperationId, sends, events };
      addUse(use);
      const by = { service, as: 'service' as const };
      if (contract !== undefined) monitor.addUse({ ...checkUse(contract, use), sends, events, by });
    },
    /** Compares the contract again soon. */
    checkContractSoon: () => runAs(service, 'contract', log, monitor.checkSoon),
    /** Compares the contract with the document that the peer serves now. */
    checkContract: () => runAs(service, 'contract', log, monitor.check),
    async check(): Promise<PeerState> {
      if (monitor.isBroken()) return 'broken';
      return (await opened.isReachable(internalLimits.checkMs)) ? 'OK' : 'unreachable';
    },
    async close(): Promise<void> {
      monitor.close();
      await opened.close();
    },
  };
}

/**
 * Opens connections that check whether the app of a service responds. The gateway uses them for each service that it
 * forwards to.
 */
export function monitorPeer(service: string, origin: string, headers: Readonly<Record<string, string>>) {
  const { isReachable, close } = openPeer(service, {
    origin: () => origin,
    contract: undefined,
    deadline: internalLimits.checkMs,
    limits: { unused: internalLimits.unusedMs },
    headers,
  });
  const check = async (): Promise<PeerState> =>
    (await isReachable(internalLimits.checkMs)) ? 'OK' : 'unreachable';
  return { check, close };
}
