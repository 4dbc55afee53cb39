import type { Logger } from '../logging/logger.ts';
import { type BreakingChange, findBreakingChanges, type UsedOperation } from '../openapi/compatibility.ts';
import { mergeDocuments, mergedInfo } from '../openapi/merge.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';

export interface ContractMonitorOptions {
  /** The service that calls. */
  readonly service: string;
  /** The service that is called: its peer. */
  readonly peer: string;
  /** The contract that the caller relies on: the merged document. */
  readonly contract: OpenApiDocument;
  readonly log: Logger;
  /** Resolves with the peer's own document as it serves it now; rejects where it cannot be had. */
  fetchDocument(): Promise<OpenApiDocument>;
}

/** ms until the next check: the pause doubles from the first to the last. */
const pauses = { first: 100, last: 2_000 };

/**
 * Monitors the contract of a peer: compares the operations that a service uses with what the peer serves now. It
 * checks when the app starts, and again when a response does not match. Until a check succeeds, it repeats it.
 */
export function createContractMonitor({
  service,
  peer,
  contract,
  log,
  fetchDocument,
}: ContractMonitorOptions) {
  const uses: UsedOperation[] = [];
  let state: 'unknown' | 'OK' | 'broken' = 'unknown';
  let breaks: readonly BreakingChange[] = [];
  let timer: NodeJS.Timeout | undefined;
  let pause = pauses.first;
  let isChecking = false;
  let isClosed = false;

  async function look(): Promise<void> {
    if (isChecking || isClosed) return;
    isChecking = true;
    clearTimeout(timer);
    timer = undefined;
    const isFetched = await check();
    isChecking = false;
    pause = isFetched && state === 'OK' ? pauses.first : Math.min(pause * 2, pauses.last);
    if (!isFetched || state !== 'OK') schedule(pause);
  }

  /** Checks once; resolves with whether the peer's document could be had. A broken contract stays so without it. */
  async function check(): Promise<boolean> {
    let document: OpenApiDocument;
    try {
      document = await fetchDocument();
    } catch {
      return false;
    }
    // The peer may be closed meanwhile by the end of this app, and what it then says is of no use.
    if (isClosed) return false;
    report(compare(document));
    return true;
  }

  function compare(document: OpenApiDocument): readonly BreakingChange[] {
    try {
      const live = mergeDocuments([{ service: peer, prefix: `/${peer}`, document }], mergedInfo(''));
      return uses.flatMap((use) => findBreakingChanges(contract, live, use));
    } catch (error) {
      return [{ operation: '', field: '', reason: `cannot be compared: ${(error as Error).message}` }];
    }
  }

  function report(found: readonly BreakingChange[]): void {
    const isNew = JSON.stringify(found) !== JSON.stringify(breaks);
    const fix = `deploy the matching version of ${peer}, or run ./run.sh generate and adapt ${service}`;
    for (const { operation, field, reason } of isNew ? found : []) {
      log.error({ peer, operation, field, reason, fix }, 'the contract of a peer is broken');
    }
    if (isNew && found.length === 0) log.info({ peer }, 'the contract of a peer is kept again');
    breaks = found;
    state = found.length === 0 ? 'OK' : 'broken';
  }

  function schedule(ms: number): void {
    if (timer !== undefined) return;
    timer = setTimeout(() => void look(), ms).unref();
  }

  return {
    /** Adds an operation to those that are checked. */
    use(use: UsedOperation): void {
      uses.push(use);
    },
    look,
    /** Checks again soon: many responses that do not match are one check. */
    lookSoon(): void {
      schedule(pauses.first);
    },
    /** Whether the contract is proven broken, or cannot be compared. */
    isBroken: () => state === 'broken',
    close(): void {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
