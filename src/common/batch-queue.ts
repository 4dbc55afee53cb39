import { type Context, currentContext, runInContext } from './context.ts';
import type { Operation } from './operation.ts';
import { idsOf, type Span, startShared } from './trace.ts';
import { isOneTrace, shareTravel, type Travel } from './travel.ts';

/**
 * How many calls may be in flight before what comes waits for the next. The more wait, the more travel together: a
 * user read over 50 connections takes 1.09 times the processor with two, 1.15 times with four. After `patience` ms
 * a call no longer counts: a slow one holds nobody up.
 */
const inFlight = { most: 1, patience: 50 };

/** Those who wait for one kind of call. */
export interface Queue<Item> {
  join(wanted: Set<number>, travel: Travel): Promise<Map<number, Item>>;
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
  readonly context: Context | undefined;
  readonly travel: Travel;
  /** From his coming until his outcome. */
  readonly span: Span | undefined;
  readonly found: Map<number, Item>;
  /** How many calls are out for him; of those, how many he shares with nobody, so that they end when he does. */
  calls: number;
  ownCalls: number;
  isGone: boolean;
  resolve(found: Map<number, Item>): void;
  reject(error: unknown): void;
}

/** Who travels with a call, and for which ids. */
type Callers<Item> = Map<Caller<Item>, Iterable<number>>;

/** Gathers those who wait, and sends them on their way together; each has his own deadline and his own outcome. */
export function openQueue<Item>({ operation, size, call, idOf, onIdle }: QueueOptions<Item>): Queue<Item> {
  let waiting: Callers<Item> = new Map();
  let waitingIds = new Set<number>();
  let isLeaving = false;
  let calls = 0;

  function join(wanted: Set<number>, travel: Travel): Promise<Map<number, Item>> {
    return new Promise((resolve, reject) => {
      const context = currentContext();
      const caller: Caller<Item> = {
        context,
        travel,
        span: context?.span?.start({ name: `lookup ${operation.target}` }),
        found: new Map(),
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
      waiting.set(caller, wanted);
      for (const id of wanted) waitingIds.add(id);
      if (calls < inFlight.most) leave();
      else if (waitingIds.size >= size && !isLeaving) {
        // Not before the end of the turn: what comes in it may want the same.
        isLeaving = true;
        setImmediate(() => isLeaving && leave());
      }
    });
  }

  function giveUp(caller: Caller<Item>): void {
    if (caller.calls === 0 || caller.calls > caller.ownCalls) caller.reject(operation.refuseLate());
  }

  /** Sends those who wait on their way, with as many calls as their ids need. */
  function leave(): void {
    const callers = [...waiting].filter(([{ isGone }]) => !isGone);
    const isWhole = callers.length === waiting.size;
    const ids = [...(isWhole ? waitingIds : new Set(callers.flatMap(([, wanted]) => [...wanted])))];
    waiting = new Map();
    waitingIds = new Set();
    isLeaving = false;
    if (ids.length <= size) {
      if (callers.length > 0) void travelTogether(new Map(callers), ids);
      return;
    }
    const parts = Array.from({ length: Math.ceil(ids.length / size) }, (_, index) => ({
      ids: ids.slice(index * size, (index + 1) * size),
      callers: new Map<Caller<Item>, number[]>(),
    }));
    const partOf = new Map(parts.flatMap((part) => part.ids.map((id) => [id, part] as const)));
    for (const [caller, wanted] of callers) {
      for (const id of wanted) {
        const { callers } = partOf.get(id) as (typeof parts)[number];
        const own = callers.get(caller);
        if (own === undefined) callers.set(caller, [id]);
        else own.push(id);
      }
    }
    for (const part of parts) void travelTogether(part.callers, part.ids);
  }

  async function travelTogether(callers: Callers<Item>, ids: number[]): Promise<void> {
    for (const caller of callers.keys()) {
      caller.calls += 1;
      if (callers.size === 1) caller.ownCalls += 1;
    }
    calls += 1;
    const timer = setTimeout(makeRoom, inFlight.patience);
    let isCounted = true;
    function makeRoom(): void {
      clearTimeout(timer);
      if (!isCounted) return;
      isCounted = false;
      calls -= 1;
      if (calls < inFlight.most) leave();
      if (calls === 0) onIdle();
    }
    /** In two turns: those who are answered now may be back by then, and travel together. */
    function makeRoomSoon(): void {
      clearTimeout(timer);
      setImmediate(() => setImmediate(makeRoom));
    }
    let span: Span | undefined;
    try {
      const context = openContext(callers, ids);
      // Of one who is alone it is his own, and ends with his outcome.
      if (callers.size > 1) span = context?.span;
      const items = await runInContext(context, async () => byId(await call(ids), new Set(ids)));
      span?.end();
      makeRoomSoon();
      for (const [caller, own] of callers) {
        if (callers.size === 1) caller.ownCalls -= 1;
        deliver(caller, own, items);
      }
    } catch (error) {
      span?.end(error);
      makeRoomSoon();
      for (const caller of callers.keys()) caller.reject(error);
    }
  }

  /** Of a call that is one request's, its own; of one that several share, one more, with a line that names theirs. */
  function openContext(callers: Callers<Item>, ids: number[]): Context | undefined {
    const [context] = [...callers.keys()].flatMap(({ context }) => context ?? []);
    if (context === undefined) return undefined;
    const travels = [...callers.keys()].map(({ travel }) => travel);
    const travel = shareTravel(travels);
    const spans = [...callers.keys()].flatMap(({ span }) => span ?? []);
    const span =
      callers.size > 1 && spans.length > 0
        ? startShared(spans, { name: `shared ${operation.target}`, isRoot: !isOneTrace(travels) })
        : spans[0];
    const reqIds = [...new Set(travels.map(({ requestId }) => requestId))];
    if (reqIds.length === 1) return { ...context, travel, span };
    const log = context.serviceLog.child({ reqId: travel.requestId, ...(span && idsOf(span)) });
    const { neighbour, target } = operation;
    log.info({ reqIds, neighbour, operation: target, ids: ids.length }, 'shared call');
    return { ...context, log, travel, span };
  }

  function byId(answer: readonly Item[], ids: ReadonlySet<number>): Map<number, Item> {
    const items = new Map<number, Item>();
    for (const item of answer) {
      const id = idOf(item);
      if (!ids.has(id) || items.has(id)) throw operation.refuse(`an item that nobody asked for: ${id}`);
      items.set(id, item);
    }
    return items;
  }

  return { join };
}

function deliver<Item>(caller: Caller<Item>, ids: Iterable<number>, items: ReadonlyMap<number, Item>): void {
  for (const id of ids) {
    const item = items.get(id);
    if (item !== undefined) caller.found.set(id, item);
  }
  caller.calls -= 1;
  if (caller.calls === 0) caller.resolve(caller.found);
}
