import type { HttpMethod } from 'openapi-typescript-helpers';
import { internalLimits } from '../config/limits.ts';
import { runAs } from '../context/context.ts';
import type { Logger } from '../logging/logger.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import { openPeer } from './client.ts';
import { createContractMonitor } from './contract-monitor.ts';
import { createPeerOperations, describeTooEarly, PeerUseError } from './peer-operations.ts';
import type { CallInit } from './peers.ts';
import type { TransportLimits } from './transport.ts';

/** The result of a check of a peer: `unreachable` if it does not respond, `broken` if it breaks its contract. */
export type PeerState = 'OK' | 'unreachable' | 'broken';

export interface ConnectPeerOptions {
  /** The service that calls. */
  readonly service: string;
  /** The service that is called. */
  readonly other: string;
  /** The peer's origin, as `http://host:port`. Absent: `setOrigin` sets it when the app listens. */
  readonly origin?: () => string;
  /** The merged document; absent while it is being generated. */
  readonly contract: OpenApiDocument | undefined;
  /** ms for a call, in all. */
  readonly deadline: number;
  readonly limits: TransportLimits;
  /** Sent with each call; they identify the caller. */
  readonly headers: Readonly<Record<string, string>>;
  readonly log: Logger;
  /** The peer's document, if the peer runs in this app. Otherwise it is fetched. */
  readonly document: (() => OpenApiDocument) | undefined;
}

/** Connects a service to a peer, and monitors the contract that the peer serves. */
export function connectPeer(options: ConnectPeerOptions) {
  const { service, other, contract, deadline, limits, headers, log, document } = options;
  let origin: string | undefined;
  const opened = openPeer(other, {
    origin:
      options.origin ??
      (() => {
        if (origin === undefined)
          throw new Error(`The origin of ${other} is not set: the app does not listen`);
        return origin;
      }),
    document: contract,
    deadline,
    limits,
    headers,
    onUnfit: () => runAs(service, 'contract', log, monitor.lookSoon),
  });
  const monitor = createContractMonitor({
    service,
    peer: other,
    contract: contract ?? { openapi: '3.1.0', paths: {} },
    log,
    fetchDocument: async () => document?.() ?? opened.fetchDocument(internalLimits.checkMs),
  });
  const look = () => runAs(service, 'contract', log, monitor.look);
  const { operations, uses } = createPeerOperations({
    service,
    peer: other,
    document: contract,
    open(method, path, use) {
      monitor.use({
        method,
        path,
        get sends() {
          return use.sends;
        },
      });
      const operation = opened.createOperation(method as HttpMethod, path);
      const call = (init: CallInit | undefined) => {
        if (options.origin === undefined && origin === undefined)
          return Promise.reject(new PeerUseError(describeTooEarly(use)));
        return operation(init);
      };
      return Object.assign(call, operation as Omit<typeof operation, never>);
    },
  });
  return {
    /** The peer as the service sees it: one property per operation. */
    operations,
    /** The operations that the service has declared so far. */
    uses,
    /** Sets where the peer is, as `http://host:port`; once, when the app listens. Until then each call is an error. */
    setOrigin(value: string): void {
      origin = value;
    },
    counts: opened.counts,
    isBroken: monitor.isBroken,
    /** Compares the contract with what the peer serves now. */
    look,
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

/** A service that is forwarded to: whether it is there. */
export function monitorPeer(
  service: string,
  origin: () => string,
  headers: Readonly<Record<string, string>>,
) {
  const { isReachable, close } = openPeer(service, {
    origin,
    document: undefined,
    deadline: internalLimits.checkMs,
    limits: { unused: internalLimits.unusedMs },
    headers,
  });
  const check = async (): Promise<PeerState> =>
    (await isReachable(internalLimits.checkMs)) ? 'OK' : 'unreachable';
  return { check, close };
}
