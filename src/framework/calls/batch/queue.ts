import { currentContext, runInContext } from '../../context/context.ts';
import type { PropagatedContext } from '../../context/propagation.ts';
import type { Span } from '../../context/span.ts';
import { RequestEnded } from '../../errors/problem.ts';
import type { Operation } from '../operation.ts';
import { createGroups, divide, type Group, selectLive } from './groups.ts';
import { openCallContext, type Pending } from './shared-context.ts';

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
  join(ids: readonly number[], travel: PropagatedContext): Promise<Found<Item>>;
}

export interface QueueOptions<Item> {
  readonly operation: Pick<Operation<never, unknown>, 'peer' | 'target' | 'refuse' | 'refuseLate'>;
  /** The maximum number of ids in a call. */
  readonly size: number;
  call(ids: number[]): Promise<Item[]>;
  idOf(item: Item): number;
  /** Called when no lookup waits and no call is in flight. */
  onIdle(): void;
}

/** A pending lookup. */
interface Caller<Item> extends Pending {
  readonly ids: readonly number[];
  /** How many calls it still needs, those in flight included. */
  calls: number;
  /** How many of its calls are in flight; and how many of those it shares with no other, so that they end with it. */
  inFlight: number;
  ownInFlight: number;
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
  /** The unsent parts of the current group. */
  let parts: Part<Item>[] = [];
  let isScheduled = false;
  let calls = 0;

  function join(ids: readonly number[], travel: PropagatedContext): Promise<Found<Item>> {
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

  /** Rejects a caller at its deadline, unless its own calls end at the same time with an error of theirs. */
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
      if (part !== undefined) void sendPart(part);
      // No caller waits for the rest of this group.
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

  /** Returns whether a caller still waits. Rejects a caller whose request has ended. */
  function isLive(caller: Caller<Item>): boolean {
    const { interest } = caller;
    if (!interest.isGone && interest.request?.isOver) caller.reject(new RequestEnded());
    return !interest.isGone;
  }

  async function sendPart({ members: callers, ids, found }: Part<Item>): Promise<void> {
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
      const context = openCallContext(operation, callers, ids.size);
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

  /** Adds the items of a response to `found`. */
  function collect(answer: readonly Item[], ids: ReadonlySet<number>, found: Map<number, Item>): void {
    for (const item of answer) {
      const id = idOf(item);
      if (!ids.has(id) || found.has(id)) throw operation.refuse(`an item that nobody asked for: ${id}`);
      found.set(id, item);
    }
  }

  return { join };
}
