/** A lookup, and its expected outcome. */
export interface ModelLookup {
  readonly request: string;
  readonly key: string;
  readonly ids: ReadonlySet<number>;
  readonly deadline: number;
  /** The versions that it finds, by id, or the status of its error. Undefined while it waits. */
  outcome?: ReadonlyMap<number, number> | number;
  /** The versions that it has found so far. */
  readonly found: Map<number, number>;
}

/** A call, and its lookups. */
export interface ModelCall {
  readonly key: string;
  readonly ids: readonly number[];
  readonly lookups: readonly ModelLookup[];
  readonly sentAt: number;
  readonly deadline: number;
  /** The versions of all toys when it was sent. */
  readonly seen: ReadonlyMap<number, number>;
  isOpen: boolean;
}

const patienceMs = 50;

interface Waiting {
  readonly lookups: ModelLookup[];
  readonly ids: Set<number>;
}

/** A simple model of batched lookups: without promises and timers, in steps of a millisecond. */
export class Model {
  now = 0;
  readonly versions = new Map<number, number>();
  readonly calls: ModelCall[] = [];
  /** The calls and lookups that must have a 'call failed' entry in the log. */
  readonly failed: (ModelCall | ModelLookup)[] = [];
  readonly #lookups: ModelLookup[] = [];
  /** The waiting lookups by key, and the ids of all lookups since the last call, including timed-out ones. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #maxItems: number;

  constructor(maxItems: number) {
    this.#maxItems = maxItems;
  }

  lookUp(lookup: ModelLookup): void {
    const { key, ids, deadline } = lookup;
    this.#lookups.push(lookup);
    if (ids.size === 0) lookup.outcome = new Map();
    else if (deadline <= this.now) this.#timeOut(lookup);
    else {
      const waiting = this.#waitingFor(key);
      waiting.lookups.push(lookup);
      for (const id of ids) waiting.ids.add(id);
      if (this.#countInFlight(key) === 0) this.#send(key);
    }
  }

  /** Ends an event-loop turn: sends full batches. */
  turn(): void {
    this.#sendAllowed();
  }

  /** Ends a call. @param status the status of its error. Undefined: the call succeeded. */
  respond(call: ModelCall, status?: number): void {
    call.isOpen = false;
    if (status !== undefined) this.failed.push(call);
    for (const lookup of call.lookups) {
      if (lookup.outcome !== undefined) continue;
      if (status !== undefined) lookup.outcome = status;
      else this.#deliver(call, lookup);
    }
    this.#sendAllowed();
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 1) {
      this.now += 1;
      this.#sendAllowed();
      for (const lookup of this.#lookups) {
        // A lookup with only private calls times out with them: the model ends those calls below.
        const isLate = lookup.outcome === undefined && lookup.deadline <= this.now;
        if (isLate && !this.#hasOnlyPrivateCalls(lookup)) this.#timeOut(lookup);
      }
      for (const call of this.open()) if (call.deadline <= this.now) this.respond(call, 504);
    }
  }

  open(): ModelCall[] {
    return this.calls.filter(({ isOpen }) => isOpen);
  }

  #waitingFor(key: string): Waiting {
    const waiting = this.#waiting.get(key) ?? { lookups: [], ids: new Set() };
    this.#waiting.set(key, waiting);
    return waiting;
  }

  /** Counts the calls in flight, without old ones. */
  #countInFlight(key: string): number {
    return this.open().filter((call) => call.key === key && this.now - call.sentAt < patienceMs).length;
  }

  /** Sends the batches that the number of calls in flight allows. Ids of timed-out lookups count for a full batch. */
  #sendAllowed(): void {
    for (const [key, { ids }] of this.#waiting) {
      const maxInFlight = ids.size >= this.#maxItems ? 1 : 0;
      if (this.#countInFlight(key) <= maxInFlight) this.#send(key);
    }
  }

  #send(key: string): void {
    const waiting = this.#waitingFor(key).lookups.filter(({ outcome }) => outcome === undefined);
    this.#waiting.delete(key);
    const all = [...new Set(waiting.flatMap(({ ids }) => [...ids]))];
    for (let from = 0; from < all.length; from += this.#maxItems) {
      const ids = all.slice(from, from + this.#maxItems);
      const lookups = waiting.filter((lookup) => ids.some((id) => lookup.ids.has(id)));
      const deadline = Math.max(...lookups.map((lookup) => lookup.deadline));
      this.calls.push({
        key,
        ids,
        lookups,
        sentAt: this.now,
        deadline,
        seen: new Map(this.versions),
        isOpen: true,
      });
    }
  }

  #openOf(lookup: ModelLookup): ModelCall[] {
    return this.open().filter(({ lookups }) => lookups.includes(lookup));
  }

  #hasOnlyPrivateCalls(lookup: ModelLookup): boolean {
    const calls = this.#openOf(lookup);
    return calls.length > 0 && calls.every(({ lookups }) => lookups.length === 1);
  }

  #deliver({ ids, seen }: ModelCall, lookup: ModelLookup): void {
    for (const id of ids) {
      const version = seen.get(id);
      if (lookup.ids.has(id) && version !== undefined) lookup.found.set(id, version);
    }
    if (this.#openOf(lookup).length === 0) lookup.outcome = lookup.found;
  }

  #timeOut(lookup: ModelLookup): void {
    this.failed.push(lookup);
    lookup.outcome = 504;
  }
}
