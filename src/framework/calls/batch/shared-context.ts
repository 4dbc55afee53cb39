import type { Context } from '../../context/context.ts';
import { isOneTrace, mergeForBatch, type PropagatedContext } from '../../context/propagation.ts';
import { idsOf, type Span, startBatchSpan } from '../../context/span.ts';
import type { Operation } from '../operation.ts';

/** Whether the outcome of a lookup still matters. Connections keep it with the context of their last call. */
export interface Interest {
  isGone: boolean;
  readonly request: Context['request'];
}

/** The part of a pending lookup that the context of its calls needs. */
export interface Pending {
  readonly context: Context | undefined;
  readonly propagated: PropagatedContext;
  /** From the start of the lookup until its outcome. */
  readonly span: Span | undefined;
  readonly interest: Interest;
}

/**
 * Opens the context of a call for `count` ids: the context of the request if all callers are of one request; else one
 * more, with a log entry that names theirs.
 */
export function openCallContext(
  { peer, target }: Pick<Operation<never, unknown>, 'peer' | 'target'>,
  callers: readonly Pending[],
  count: number,
): Context | undefined {
  const own = callers.find(({ context }) => context !== undefined)?.context;
  if (own === undefined) return undefined;
  const context =
    callers.length === 1 ? own : { ...own, request: shareState(callers.map(({ interest }) => interest)) };
  const propagatedContexts = callers.map(({ propagated }) => propagated);
  const propagated = mergeForBatch(propagatedContexts);
  const spans = callers.flatMap(({ span }) => span ?? []);
  const span =
    callers.length > 1 && spans.length > 0
      ? startBatchSpan(spans, { name: `shared ${target}`, isRoot: !isOneTrace(propagatedContexts) })
      : spans[0];
  const reqIds = [...new Set(propagatedContexts.map(({ requestId }) => requestId))];
  if (reqIds.length === 1) return { ...context, propagated, span };
  const log = context.serviceLog.child({ reqId: propagated.requestId, ...(span && idsOf(span)) });
  log.info({ reqIds, peer, operation: target, ids: count }, 'shared call');
  return { ...context, log, propagated, span };
}

/**
 * The state of a request that several lookups share: it is over when none of them matters. It refers to no caller:
 * with their requests, connections would keep those of the last call from the garbage collector (measured: a user read
 * over 50 connections took 1.4 times the processor).
 */
function shareState(interests: readonly Interest[]): NonNullable<Context['request']> {
  return {
    get isOver() {
      return interests.every(({ isGone, request }) => isGone || request?.isOver);
    },
  };
}
