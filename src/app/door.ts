import { type Break, findBreaks, type Use } from '#common/compatibility.ts';
import type { OpenApiDocument } from '#common/contract.ts';
import type { Logger } from '#common/logger.ts';
import { mergeDocuments, mergedInfo } from './openapi.ts';

/** What is known of a neighbour: whether it is there, and whether its contract is the one that we hold to. */
export type NeighbourState = 'OK' | 'unreachable' | 'broken';

export interface DoorOptions {
  readonly neighbour: string;
  /** What we hold to: the merged document. */
  readonly contract: OpenApiDocument;
  readonly log: Logger;
  /** The neighbour's own document as it serves it now; rejects where it cannot be had. */
  fetchDocument(): Promise<OpenApiDocument>;
}

/** How long until the next try, in ms: it doubles from the first to the last. */
const pauses = { first: 100, last: 2_000 };

/**
 * Holds the operations that a service uses of a neighbour against what the neighbour says now: when the app starts,
 * as soon as the neighbour is there; and again when an answer does not fit. Where they break, it looks again
 * until they fit.
 */
export function openDoor({ neighbour, contract, log, fetchDocument }: DoorOptions) {
  const uses: Use[] = [];
  let state: NeighbourState = 'unreachable';
  let breaks: readonly Break[] = [];
  let timer: NodeJS.Timeout | undefined;
  let pause = pauses.first;
  let looking = false;
  let closed = false;

  async function look(): Promise<void> {
    if (looking || closed) return;
    looking = true;
    clearTimeout(timer);
    try {
      const document = await fetchDocument();
      const live = mergeDocuments(
        [{ service: neighbour, prefix: `/${neighbour}`, document }],
        mergedInfo(''),
      );
      compare(live);
    } catch {
      state = state === 'broken' ? 'broken' : 'unreachable';
    }
    looking = false;
    pause = state === 'OK' ? pauses.first : Math.min(pause * 2, pauses.last);
    if (state !== 'OK' && !closed) timer = setTimeout(() => void look(), pause).unref();
  }

  function compare(live: OpenApiDocument): void {
    const found = uses.flatMap((use) => findBreaks(contract, live, use));
    const isNews = JSON.stringify(found) !== JSON.stringify(breaks);
    if (isNews) {
      for (const { operation, field, reason } of found) {
        log.error({ neighbour, operation, field, reason }, 'the contract of a neighbour is broken');
      }
      if (found.length === 0) log.info({ neighbour }, 'the contract of a neighbour fits again');
    }
    breaks = found;
    state = found.length === 0 ? 'OK' : 'broken';
  }

  return {
    /** Adds an operation to what is looked at. */
    use(use: Use): void {
      uses.push(use);
    },
    look,
    /** Whether the contract has been proven broken. */
    isBroken: () => state === 'broken',
    close(): void {
      closed = true;
      clearTimeout(timer);
    },
  };
}
