import { createGroups, divide, type Group, selectLive } from './batch-groups.ts';
import { type Context, currentContext, runInContext } from './context.ts';
import type { Operation } from './operation.ts';
import { RequestEnded } from './problem.ts';
import { idsOf, type Span, startShared } from './trace.ts';
import { isOneTrace, shareTravel, type Travel } from './travel.ts';

/**
 * Bounds of a queue. A group of lookups leaves when no call is in flight, or at most one if the group fills a call:
 * the more lookups wait, the more of them share calls (measured: a user read over 50 connections takes 1.09 times the
 * processor with two calls in flight, 1.15 times with four). A group ends with the lookup that brings it to `group`
 * calls (measured: users of 1,000 pets take 0.88 times the processor of one group for all that wait). At most
 * `parallel` calls of a group are in flight: the event loop serves other requests between them. A call older than
 * `patienceMs` does not count, so a slow one delays no other.
 */
const bounds = { idle: 1, full: 2, parallel: 4, group: 16, patienceMs: 50 };

/** Things by their ids. */
export type Found<Item> = Pick<ReadonlyMap<number, Item>, 'get' | 'has'>;

/** Lookups that wait for one kind of call. */
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

/** Whether the outcome of a lookup still matters. Connections keep it with the context of their last call. */
interface Interest {
  isGone: boolean;
  readonly request: Context['request'];
}

/** A pending lookup. */
interface Caller<Item> {
  readonly ids: readonly number[];
  readonly context: Context | undefined;
  readonly travel: Travel;
  /** From the start of the lookup until its outcome. */
  readonly span: Span | undefined;
  /** How many calls it still needs, those in flight included. */
  calls: number;
  /** How many of its calls are in flight; and how many of those it shares with no other, so that they end with it. */
  inFlight: number;
  ownInFlight: number;
  readonly interest: Interest;
  resolve(found: Found<Item>): void;
  reject(error: unknown): void;
}

/** A call that has not been sent yet. */
interface Part<Item> extends Group<Caller<Item>> {
  readonly found: Map<number, Item>;
}

/** Gathers pending lookups and sends calls for them; each lookup has its own deadline and its own outcome. */
export function openQueue<Item>({ operation, size, call, idOf, onIdle }: QueueOptions<Item>): Queue<Item> {
  const waiting = createGroups<Caller<Item>>(bounds.group * size);
  /** Those of the group that is leaving. */
  let parts: Part<Item>[] = [];
  let isScheduled = false;
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
        inFlight: 0,
        ownInFlight: 0,
        interest: { isGone: false, request: context?.request },
        resolve(found) {
          clearTimeout(timer);
          caller.span?.end();
          resolve(found);
        },
        reject(error) {
          clearTimeout(timer);
          caller.interest.isGone = true;
          caller.span?.end(error);
          reject(error);
        },
      };
      const timer = setTimeout(giveUp, Math.ceil(travel.deadline - performance.now()), caller);
      waiting.add(caller);
      if (calls < bounds.idle) proceed();
      // Not before the end of the turn: lookups that start in it may want the same ids.
      else if (mayTakeGroup() && !isScheduled) {
        isScheduled = true;
        setImmediate(() => {
          isScheduled = false;
          if (mayTakeGroup()) proceed();
        });
      }
    });
  }

  /** Its own calls end at the same time, and say so themselves. */
  function giveUp(caller: Caller<Item>): void {
    if (caller.inFlight === 0 || caller.inFlight > caller.ownInFlight) caller.reject(operation.refuseLate());
  }

  function mayTakeGroup(): boolean {
    if (parts.length > 0) return false;
    return calls < bounds.idle || (calls < bounds.full && waiting.count() >= size);
  }

  /** Sends what may be sent now. */
  function proceed(): void {
    if (mayTakeGroup()) takeGroup();
    while (parts.length > 0 && calls < bounds.parallel) {
      const part = selectLive(parts.shift() as Part<Item>, isLive);
      if (part !== undefined) void travelTogether(part);
      // Nobody wants the rest of this group.
      if (mayTakeGroup()) takeGroup();
    }
  }

  function takeGroup(): void {
    const group = waiting.take(isLive);
    if (group === undefined) return;
    const found = new Map<number, Item>();
    parts = divide(group, size).map(({ members, ids }) => ({ members, ids, found }));
    for (const { members } of parts) for (const caller of members) caller.calls += 1;
  }

  /** Whether somebody still wants the outcome; a caller whose request has ended hears so here. */
  function isLive(caller: Caller<Item>): boolean {
    const { interest } = caller;
    if (!interest.isGone && interest.request?.isOver) caller.reject(new RequestEnded());
    return !interest.isGone;
  }

  async function travelTogether({ members: callers, ids, found }: Part<Item>): Promise<void> {
    for (const caller of callers) {
      caller.inFlight += 1;
      if (callers.length === 1) caller.ownInFlight += 1;
    }
    calls += 1;
    const timer = setTimeout(makeRoom, bounds.patienceMs);
    let isCounted = true;
    function makeRoom(): void {
      if (!isCounted) return;
      isCounted = false;
      calls -= 1;
      proceed();
      if (calls === 0) onIdle();
    }
    /** Waits two turns of the event loop: callers that just got a response often look up again and can join. */
    function makeRoomSoon(): void {
      clearTimeout(timer);
      setImmediate(() => setImmediate(makeRoom));
    }
    let span: Span | undefined;
    try {
      const context = openContext(callers, ids.size);
      // The span of a single caller ends with its outcome.
      if (callers.length > 1) span = context?.span;
      await runInContext(context, async () => collect(await call([...ids]), ids, found));
      span?.end();
      makeRoomSoon();
      for (const caller of callers) {
        if (callers.length === 1) caller.ownInFlight -= 1;
        caller.inFlight -= 1;
        caller.calls -= 1;
        if (caller.calls === 0) caller.resolve(found);
      }
    } catch (error) {
      span?.end(error);
      makeRoomSoon();
      for (const caller of callers) caller.reject(error);
    }
  }

  /** The context of the request if all callers are of one request; else one more, with a log entry that names theirs. */
  function openContext(callers: readonly Caller<Item>[], count: number): Context | undefined {
    const own = callers.find(({ context }) => context !== undefined)?.context;
    if (own === undefined) return undefined;
    const context =
      callers.length === 1 ? own : { ...own, request: shareState(callers.map(({ interest }) => interest)) };
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
