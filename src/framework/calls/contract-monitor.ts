import type { Logger } from '../logging/logger.ts';
import { type BreakingChange, findBreakingChanges, type UsedOperation } from '../openapi/compatibility.ts';
import { mergeDocuments, mergedInfo } from '../openapi/merge.ts';
import type { OpenApiDocument } from '../openapi/response-contract.ts';

interface ContractMonitorOptions {
  /** The service that calls. */
  readonly service: string;
  /** The service that is called: its peer. */
  readonly peer: string;
  /** The contract that the caller relies on: the merged document. */
  readonly contract: OpenApiDocument;
  readonly log: Logger;
  /** Fetches the document that the peer serves now. Rejects if the peer does not serve it. */
  fetchDocument(): Promise<OpenApiDocument>;
}

/** The pause before the next check, in ms. It doubles from `min` to `max`. */
const pauseMs = { min: 100, max: 2_000 };

/**
 * Monitors the contract of a peer: compares the operations that a service uses with the operations that the peer serves
 * now. Checks when the app starts, and again when a response does not match. Repeats a check until it succeeds.
 */
export function createContractMonitor({
  service,
  peer,
  contract,
  log,
  fetchDocument,
}: ContractMonitorOptions) {
  const uses: UsedOperation[] = [];
  /** The result of the last comparison. */
  let breaks: readonly BreakingChange[] = [];
  let timer: NodeJS.Timeout | undefined;
  let nextPauseMs = pauseMs.min;
  let isChecking = false;
  /** Whether another check was due during the check in progress. */
  let isOutdated = false;
  let isClosed = false;

  async function check(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (isClosed) return;
    if (isChecking) {
      // The check in progress may have read the document before the reason for this one.
      isOutdated = true;
      return;
    }
    isChecking = true;
    isOutdated = false;
    const isDone = (await compareOnce()) && breaks.length === 0 && !isOutdated;
    isChecking = false;
    nextPauseMs = isDone ? pauseMs.min : Math.min(nextPauseMs * 2, pauseMs.max);
    if (!isDone) schedule(nextPauseMs);
  }

  /** Resolves with whether the peer served its document. Without a document the result does not change. */
  async function compareOnce(): Promise<boolean> {
    let document: OpenApiDocument;
    try {
      document = await fetchDocument();
    } catch {
      return false;
    }
    // The app may have closed meanwhile. Then the document of a peer in the same app is not reliable.
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
  }

  function schedule(ms: number): void {
    if (timer !== undefined) return;
    timer = setTimeout(() => void check(), ms).unref();
  }

  return {
    /** Adds an operation to the next checks. */
    addUse(use: UsedOperation): void {
      uses.push(use);
    },
    check,
    /** Schedules a check. Many responses that do not match cause a single check. */
    checkSoon(): void {
      schedule(pauseMs.min);
    },
    /** Whether the last comparison found a breaking change, or was impossible. */
    isBroken: () => breaks.length > 0,
    close(): void {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
