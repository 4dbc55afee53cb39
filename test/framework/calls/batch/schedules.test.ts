import { setImmediate as turn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Clock, runBy, useClocks } from './clock.ts';
import { type Call, faults, type Length, type Outcome, openToys, type Toys } from './helper.ts';
import { Model, type ModelCall, type ModelLookup } from './model.ts';

/** The number of schedules. `.ci/run` sets `SCHEDULES=10000`. */
const runs = Number(process.env.SCHEDULES ?? 1_500);
/** The number of concurrent schedules. */
const lanes = 8;
/** The timeouts in ms for a schedule and for all. A timeout reports its schedule. */
const limits = { timeout: 5_000, interruptAfterTimeLimit: 150_000, markInterruptAsFailure: true };
const options = { maxItems: 3, deadline: 5_000 };

type Event =
  | ({ readonly kind: 'look up'; readonly ids: number[]; readonly request: string; readonly hops: number } & {
      /** Whether the next event happens in the same event-loop turn. */
      readonly continues: boolean;
      readonly deadline: number | undefined;
    })
  /** Responds to the first or the last call in flight. */
  | { readonly kind: 'respond'; readonly which: 0 | -1; readonly fault: number | undefined }
  | { readonly kind: 'write' | 'remove'; readonly id: number }
  | { readonly kind: 'pass'; readonly ms: number };

const id = fc.integer({ min: 1, max: 5 });
const lookUp = fc.record({
  kind: fc.constant('look up'),
  ids: fc.array(id, { maxLength: 5 }),
  request: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  hops: often(0, 1),
  continues: fc.boolean(),
  deadline: fc.constantFrom(...Array(6).fill(undefined), 10, 10, 30, 30, 100, 100, 0),
});
const respond = fc.record({
  kind: fc.constant('respond'),
  which: fc.constantFrom(0, -1),
  fault: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, fc.constantFrom(...faults.keys())),
});
const write = fc.record({ kind: fc.constantFrom('write', 'remove'), id });
const pass = fc.record({ kind: fc.constant('pass'), ms: fc.constantFrom(10, 30, 50, 100) });
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 9, arbitrary: lookUp },
  { weight: 3, arbitrary: respond },
  { weight: 1, arbitrary: write },
  { weight: 1, arbitrary: pass },
);
const events = fc.array(event, { minLength: 4, maxLength: 10, size: 'max' });

function often<Value>(value: Value, other: Value): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(value) }, fc.constant(other));
}

/** The number of calls and outcomes of all schedules. */
const counts = { calls: 0, shared: 0, timedOut: 0, failed: 0, found: 0 };

interface StartedLookup {
  readonly expected: ModelLookup;
  /** The versions of the toys at the start of the lookup. */
  readonly versions: ReadonlyMap<number, number>;
  outcome: Outcome | undefined;
}

/** A schedule that the implementation and the model run together. */
class Schedule {
  readonly #toys: Toys;
  readonly #clock: Clock;
  readonly #model = new Model(options.maxItems);
  readonly #find: ReturnType<Toys['createLookup']>;
  readonly #lookups: StartedLookup[] = [];
  /** The calls of the implementation by the calls of the model. */
  readonly #calls = new Map<ModelCall, Call>();
  #writes = 0;

  constructor(toys: Toys, clock: Clock) {
    toys.calls.length = 0;
    toys.entries.length = 0;
    toys.versions.clear();
    this.#toys = toys;
    this.#clock = clock;
    this.#find = toys.createLookup();
    for (const id of [1, 2, 3, 4]) this.#write(id);
  }

  async run(events: readonly Event[]): Promise<void> {
    for (const event of events) await this.#run(event);
    await this.#endTurn();
    while (this.#model.open().length > 0) await this.#run({ kind: 'respond', which: 0, fault: undefined });
    expect(this.#lookups.filter(({ outcome }) => outcome === undefined)).toEqual([]);
    expect([...this.#clock.timers]).toEqual([]);
    this.#compareLog();
    this.#count();
  }

  async #run(event: Event): Promise<void> {
    if (event.kind === 'write') return this.#write(event.id);
    if (event.kind === 'remove') return this.#remove(event.id);
    if (event.kind === 'look up') this.#lookUp(event);
    if (event.kind === 'look up' && event.continues) return;
    await this.#endTurn();
    if (event.kind === 'respond') await this.#respond(this.#model.open().at(event.which), event.fault);
    if (event.kind === 'pass') await this.#pass(event.ms);
    await this.#endTurn();
  }

  async #endTurn(): Promise<void> {
    await turn();
    this.#model.turn();
    this.#compare();
  }

  #lookUp({ ids, request, hops, deadline }: Event & { kind: 'look up' }): void {
    // All deadlines differ from each other and from the age limit of calls, because the order of such ends is undefined.
    const uniqueDeadline = deadline
      ? deadline + 1 + (this.#lookups.length % 9)
      : (deadline ?? options.deadline);
    const expected: ModelLookup = {
      request,
      key: keyOf(hops, ids.length > options.maxItems ? 'long' : 'short'),
      ids: new Set(ids),
      deadline: this.#clock.now + uniqueDeadline,
      found: new Map(),
    };
    const lookup: StartedLookup = { expected, versions: new Map(this.#model.versions), outcome: undefined };
    this.#lookups.push(lookup);
    this.#model.lookUp(expected);
    void this.#find(request, ids, {
      hops,
      deadline: uniqueDeadline,
    }).then((outcome) => {
      lookup.outcome = outcome;
    });
  }

  async #respond(call: ModelCall | undefined, fault: number | undefined): Promise<void> {
    if (call === undefined) return;
    const [, responder, status = 503] = faults[fault ?? -1] ?? [];
    const { propagated, arrival, respond } = this.#calls.get(call) as Call;
    const { 'x-request-id': id, 'x-hops': hops, 'x-deadline-ms': left } = await arrival;
    expectEqual(
      [id, hops, left],
      [propagated?.requestId, `${Number(propagated?.hops) + 1}`, `${call.deadline - call.sentAt}`],
    );
    await respond(responder);
    this.#model.respond(call, responder && status);
  }

  #write(id: number): void {
    this.#writes += 1;
    for (const { versions } of [this.#toys, this.#model]) versions.set(id, this.#writes);
  }

  #remove(id: number): void {
    for (const { versions } of [this.#toys, this.#model]) versions.delete(id);
  }

  async #pass(ms: number): Promise<void> {
    this.#model.pass(ms);
    await this.#clock.pass(ms, () => this.#toys.settle(this.#clock.now));
  }

  /** Compares the sent calls and the outcomes of lookups with the model. */
  #compare(): void {
    const calls = this.#toys.calls.slice(this.#calls.size);
    const expected = this.#model.calls.slice(this.#calls.size);
    if (calls.length !== expected.length) expect(calls).toEqual(expected);
    for (const one of expected) {
      // Calls with different keys that are sent at the same time have any order.
      const wanted = [one.ids.toSorted(), requestsOf(one)];
      const at = calls.findIndex(
        ({ ids, propagated, length }) =>
          one.key === keyOf(propagated?.hops, length) &&
          isDeepStrictEqual([ids.toSorted(), this.#requestsOf(propagated?.requestId)], wanted),
      );
      if (at < 0) expect(calls).toContainEqual(one);
      const [call] = calls.splice(at, 1) as [Call];
      this.#calls.set(one, call);
      expectEqual(call.deadline, one.deadline);
    }
    for (const [one, { isOver }] of this.#calls) expectEqual(isOver, !one.isOpen);
    for (const { expected, outcome, versions } of this.#lookups) {
      expectEqual(outcome, expected.outcome);
      if (!(outcome instanceof Map)) continue;
      const stale = [...outcome].filter(([id, version]) => version < (versions.get(id) ?? 0));
      expectEqual(stale, []);
    }
  }

  /** Returns the ids of the requests that share the call with this id, from the log. */
  #requestsOf(reqId: string | undefined): unknown {
    const entry = this.#toys.entries.find(({ msg, ...one }) => msg === 'shared call' && one.reqId === reqId);
    return ((entry?.reqIds as string[]) ?? [reqId]).toSorted();
  }

  /** Expects an entry for each shared call and each error, and no others. */
  #compareLog(): void {
    const ofCall = (call: ModelCall) => this.#calls.get(call)?.propagated?.requestId as string;
    const shared: (typeof operation & { reqId: string; reqIds: string[]; ids: number; msg: string })[] = [];
    for (const call of this.#model.calls) {
      const requests = requestsOf(call);
      const reqId = ofCall(call);
      if (requests.length === 1) expectEqual(reqId, requests[0]);
      else shared.push({ ...operation, reqId, reqIds: requests, ids: call.ids.length, msg: 'shared call' });
    }
    expectEqual(new Set(shared.map(({ reqId }) => reqId)).size, shared.length);
    const entries = this.#toys.entries.map(({ level, time, error, reason, reqIds, ...entry }) => ({
      ...entry,
      ...(Array.isArray(reqIds) && { reqIds: reqIds.toSorted() }),
    }));
    const byId = <Entry extends { reqId?: string }>(some: Entry[]) =>
      some.toSorted((one, other) => String(one.reqId).localeCompare(String(other.reqId)));
    expectEqual(byId(entries.filter(({ msg }) => msg !== 'call failed')), byId(shared));
    const failed = this.#model.failed.map((one) => ('request' in one ? one.request : ofCall(one)));
    expectEqual(
      byId(entries.filter(({ msg }) => msg === 'call failed')),
      byId(failed.map((reqId) => ({ ...operation, reqId, msg: 'call failed' }))),
    );
  }

  #count(): void {
    const { calls } = this.#model;
    const outcomes = this.#lookups.map(({ outcome }) => outcome);
    counts.calls += calls.length;
    counts.shared += calls.filter(({ lookups }) => lookups.length > 1).length;
    counts.found += outcomes.filter((outcome) => outcome instanceof Map && outcome.size > 0).length;
    counts.failed += outcomes.filter((outcome) => outcome === 503).length;
    counts.timedOut += outcomes.filter((outcome) => outcome === 504).length;
  }
}

const operation = { service: 'user', peer: 'toy', operation: 'GET /toy/toys/' };
const requestsOf = ({ lookups }: ModelCall) => [...new Set(lookups.map(({ request }) => request))].toSorted();
const keyOf = (hops: number | undefined, length: Length | undefined) => `${hops} ${length}`;

/** Expects deep equality, in a tenth of the time of `expect` for equal values. */
function expectEqual(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}

test('random schedules match the model', async (t) => {
  useClocks(t);
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      let toys = await openToys(t, options);
      let hasFailed = false;
      const property = fc.asyncProperty(events, async (some) => {
        // A failed schedule leaves open calls, so the next schedule opens another service.
        if (hasFailed) toys = await openToys(t, options);
        hasFailed = true;
        const clock = new Clock();
        await runBy(clock, () => new Schedule(toys, clock).run(some));
        hasFailed = false;
      });
      // A failure reports its seed and path. Add them beside `numRuns` to run that schedule again.
      await fc.assert(property, { numRuns: Math.ceil(runs / lanes), ...limits });
    }),
  );
  // The schedules must contain enough calls and outcomes of each kind.
  for (const [kind, count] of Object.entries(counts)) expect(count, kind).toBeGreaterThan(runs / 20);
}, 180_000);
