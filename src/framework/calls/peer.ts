import { internalLimits } from '../config/limits.ts';
import { runAs } from '../context/context.ts';
import type { Logger } from '../logging/logger.ts';
import type { UsedOperation } from '../openapi/compatibility.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';
import type { Check } from '../service/readiness.ts';
import { openPeer } from './client.ts';
import { createContractMonitor } from './contract-monitor.ts';
import type { TransportLimits } from './transport.ts';

export interface ConnectPeerOptions {
  /** The service that calls. */
  readonly service: string;
  /** The service that is called. */
  readonly other: string;
  /** Where that is now, as `http://host:port`. */
  origin(): string;
  /** The merged document; absent while it is being generated. */
  readonly contract: OpenApiDocument | undefined;
  /** ms for a call, in all. */
  readonly deadline: number;
  readonly limits: TransportLimits;
  /** Sent with each call, to say whose it is. */
  readonly headers: Readonly<Record<string, string>>;
  readonly log: Logger;
  /** The other's document, where it runs in this app; else it is asked for. */
  readonly document: (() => OpenApiDocument) | undefined;
  /** Called for each operation that the service declares. */
  onDeclare(use: UsedOperation): void;
}

/** Opens the way from a service to another, and keeps an eye on what the other serves. */
export function connectPeer(options: ConnectPeerOptions) {
  const { service, other, origin, contract, deadline, limits, headers, log, document, onDeclare } = options;
  const opened = openPeer(other, {
    origin,
    document: contract,
    deadline,
    limits,
    headers,
    onDeclare: (use) => {
      door.use(use);
      onDeclare(use);
    },
    onUnfit: () => runAs(service, 'contract', log, door.lookSoon),
  });
  const door = createContractMonitor({
    service,
    neighbour: other,
    contract: contract ?? { openapi: '3.1.0', paths: {} },
    log,
    fetchDocument: async () => document?.() ?? opened.fetchDocument(internalLimits.look),
  });
  const look = () => runAs(service, 'contract', log, door.look);
  return {
    neighbour: opened.neighbour,
    counts: opened.counts,
    isBroken: door.isBroken,
    /** Compares its contract with what it serves now. */
    look,
    async check(): Promise<Check> {
      if (door.isBroken()) return 'broken';
      return (await opened.isReachable(internalLimits.look)) ? 'OK' : 'unreachable';
    },
    async close(): Promise<void> {
      door.close();
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
    deadline: internalLimits.look,
    limits: { unused: internalLimits.unused },
    headers,
  });
  const check = async (): Promise<Check> => ((await isReachable(internalLimits.look)) ? 'OK' : 'unreachable');
  return { check, close };
}
