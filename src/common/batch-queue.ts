import { createGroups, divide } from './batch-groups.ts';
import { type Context, currentContext, runInContext } from './context.ts';
import type { Operation } from './operation.ts';
import { idsOf, type Span, startShared } from './trace.ts';
import { isOneTrace, shareTravel, type Travel } from './travel.ts';

/**
 * How many calls may be in flight before what comes waits for the next; and before what fills a call does. The more
 * wait, the more travel together: a user read over 50 connections takes 1.09 times the processor with two, 1.15 times
 * with four; users of 100 pets each, which fill calls, 1.1 times where none that is full waits. Those who want more than
 * `group` calls bring leave one group after the other, in the order in which they came: users of 1,000 pets each take
 * 0.88 times the processor so, as what is brought is not kept for all. After `patience` ms a call no longer counts: a
 * slow one holds nobody up.
 */
const inFlight = { most: 1, full: 2, group: 16, patience: 50 };

/** Things by their ids. */
export type Found<Item> = Pick<ReadonlyMap<number, Item>, 'get' | 'has'>;

/** Those who wait for one kind of call. */
export interface Queue<Item> {
  join(ids: readonly number[], travel: Travel): Promise<Found<Item>>;
}

export interface QueueOptions<Item> {
  readonly operation: Pick<Operation<never, unknown>, 'neighbour' | 'target' | 'refuse' | 'refuseLate'>;
  /** How many ids travel with a call. */
  readonly size: number;
  call(ids: number[]): Promise<Item[]>;
  idOf(item: Item): number;
  /** Told when nobody waits, and no call is in flight. */
  onIdle(): void;
}

/** One who waits. */
interface Caller<Item> {
  readonly ids: readonly number[];
  readonly context: Context | undefined;
  readonly travel: Travel;
  /** From his coming until his outcome. */
  readonly span: Span | undefined;
  /** How many calls are out for him; of those, how many he shares with nobody, so that they end when he does. */
  calls: number;
  ownCalls: number;
  isGone: boolean;
  resolve(found: Found<Item>): void;
  reject(error: unknown): void;
}

/** Gathers those who wait, and sends them on their way together; each has his own deadline and his own outcome. */
export function openQueue<Item>({ operation, size, call, idOf, onIdle }: QueueOptions<Item>): Queue<Item> {
  const waiting = createGroups<Caller<Item>>(inFlight.group * size);
  let isLeaving = false;
  let calls = 0;

  function join(ids: readonly number[], travel: Travel): Promise<Found<Item>> {
    return new Promise((resolve, reject) => {
      const context = currentContext();
      const caller: Caller<Item> = {
        ids,
        context,
        travel,
        span: context?.span?.start({ name: `lookup ${operation.target}` }),
        calls: 0,
        ownCalls: 0,
        isGone: false,
        resolve(found) {
          clearTimeout(timer);
          caller.span?.end();
          resolve(found);
        },
        reject(error) {
          clearTimeout(timer);
          caller.isGone = true;
          caller.span?.end(error);
          reject(error);
        },
      };
      const timer = setTimeout(giveUp, Math.ceil(travel.deadline - performance.now()), caller);
      waiting.add(caller);
      if (calls < inFlight.most) leave();
      // Not before the end of the turn: what comes in it may want the same.
      else if (isFull() && !isLeaving) {
        isLeaving = true;
        setImmediate(() => {
          isLeaving = false;
          if (isFull()) leave();
        });
      }
    });
  }

  function giveUp(caller: Caller<Item>): void {
    if (caller.calls === 0 || caller.calls > caller.ownCalls) caller.reject(operation.refuseLate());
  }

  /** Whether those who wait fill a call, and not too many are out. */
  function isFull(): boolean {
    return waiting.count() >= size && calls < inFlight.full;
  }

  /** Sends the first of those who wait on their way, with as many calls as their ids need, and one `found` for all. */
  function leave(): void {
    const group = waiting.take();
    if (group === undefined) return;
    const found = new Map<number, Item>();
    for (const { members, ids } of divide(group, size)) void travelTogether(members, ids, found);
  }

  async function travelTogether(
    callers: readonly Caller<Item>[],
    ids: ReadonlySet<number>,
    found: Map<number, Item>,
  ): Promise<void> {
    for (const caller of callers) {
      caller.calls += 1;
      if (callers.length === 1) caller.ownCalls += 1;
    }
    calls += 1;
    const timer = setTimeout(makeRoom, inFlight.patience);
    let isCounted = true;
    function makeRoom(): void {
      if (!isCounted) return;
      isCounted = false;
      calls -= 1;
      if (calls < inFlight.most || isFull()) leave();
      if (calls === 0) onIdle();
    }
    /** In two turns: those who are answered now may be back by then, and travel together. */
    function makeRoomSoon(): void {
      clearTimeout(timer);
      setImmediate(() => setImmediate(makeRoom));
    }
    let span: Span | undefined;
    try {
      const context = openContext(callers, ids.size);
      // Of one who is alone it is his own, and ends with his outcome.
      if (callers.length > 1) span = context?.span;
      await runInContext(context, async () => collect(await call([...ids]), ids, found));
      span?.end();
      makeRoomSoon();
      for (const caller of callers) {
        if (callers.length === 1) caller.ownCalls -= 1;
        caller.calls -= 1;
        if (caller.calls === 0) caller.resolve(found);
      }
    } catch (error) {
      span?.end(error);
      makeRoomSoon();
      for (const caller of callers) caller.reject(error);
    }
  }

  /** Of a call that is one request's, its own; of one that several share, one more, with a line that names theirs. */
  function openContext(callers: readonly Caller<Item>[], count: number): Context | undefined {
    const context = callers.find(({ context }) => context !== undefined)?.context;
    if (context === undefined) return undefined;
    const travels = callers.map(({ travel }) => travel);
    const travel = shareTravel(travels);
    const spans = callers.flatMap(({ span }) => span ?? []);
    const span =
      callers.length > 1 && spans.length > 0
        ? startShared(spans, { name: `shared ${operation.target}`, isRoot: !isOneTrace(travels) })
        : spans[0];
    const reqIds = [...new Set(travels.map(({ requestId }) => requestId))];
    if (reqIds.length === 1) return { ...context, travel, span };
    const log = context.serviceLog.child({ reqId: travel.requestId, ...(span && idsOf(span)) });
    const { neighbour, target } = operation;
    log.info({ reqIds, neighbour, operation: target, ids: count }, 'shared call');
    return { ...context, log, travel, span };
  }

  /** Adds what was answered to `found`. */
  function collect(answer: readonly Item[], ids: ReadonlySet<number>, found: Map<number, Item>): void {
    for (const item of answer) {
      const id = idOf(item);
      if (!ids.has(id) || found.has(id)) throw operation.refuse(`an item that nobody asked for: ${id}`);
      found.set(id, item);
    }
  }

  return { join };
}
