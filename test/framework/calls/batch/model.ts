/** One lookup, and what must come of it. */
export interface Lookup {
  readonly request: string;
  readonly key: string;
  readonly ids: ReadonlySet<number>;
  readonly deadline: number;
  /** The versions that it finds, by id, or the status of its error; undefined as long as it waits. */
  outcome?: ReadonlyMap<number, number> | number;
  /** What it has found so far. */
  readonly found: Map<number, number>;
}

/** One call, and for whom it is. */
export interface ModelCall {
  readonly key: string;
  readonly ids: readonly number[];
  readonly lookups: readonly Lookup[];
  readonly left: number;
  readonly deadline: number;
  /** The versions of all toys when it left. */
  readonly seen: ReadonlyMap<number, number>;
  isOpen: boolean;
}

const patience = 50;

/** What lookups that wait together do, in plain words: no promise, no timer, a millisecond at a time. */
export class Model {
  now = 0;
  readonly versions = new Map<number, number>();
  readonly calls: ModelCall[] = [];
  /** Whose 'call failed' must be in the log: of a call, or of a lookup that gave up by itself. */
  readonly failed: (ModelCall | Lookup)[] = [];
  readonly #lookups: Lookup[] = [];
  /** Those that have not travelled, and how many ids have been waiting with them, by key. */
  readonly #waiting = new Map<string, { lookups: Lookup[]; places: Set<number> }>();
  readonly #maxItems: number;

  constructor(maxItems: number) {
    this.#maxItems = maxItems;
  }

  ask(lookup: Lookup): void {
    const { key, ids, deadline } = lookup;
    this.#lookups.push(lookup);
    if (ids.size === 0) lookup.outcome = new Map();
    else if (deadline <= this.now) this.#giveUp(lookup);
    else {
      const { lookups, places } = this.#waitingFor(key);
      lookups.push(lookup);
      for (const id of ids) places.add(id);
      if (this.#count(key) === 0) this.#depart(key);
    }
  }

  /** The turn of the event loop ends: what fills a call leaves. */
  turn(): void {
    this.#departWhereFree();
  }

  /** The call's answer is there; `status` where it is an error. */
  answer(call: ModelCall, status?: number): void {
    call.isOpen = false;
    if (status !== undefined) this.failed.push(call);
    for (const lookup of call.lookups) {
      if (lookup.outcome !== undefined) continue;
      if (status !== undefined) lookup.outcome = status;
      else this.#deliver(call, lookup);
    }
    this.#departWhereFree();
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 1) {
      this.now += 1;
      this.#departWhereFree();
      for (const lookup of this.#lookups) {
        // The call of one alone ends with him, and says so itself.
        const isLate = lookup.outcome === undefined && lookup.deadline <= this.now;
        if (isLate && !this.#isAlone(lookup)) this.#giveUp(lookup);
      }
      for (const call of this.open()) if (call.deadline <= this.now) this.answer(call, 504);
    }
  }

  open(): ModelCall[] {
    return this.calls.filter(({ isOpen }) => isOpen);
  }

  #waitingFor(key: string): { lookups: Lookup[]; places: Set<number> } {
    const waiting = this.#waiting.get(key) ?? { lookups: [], places: new Set() };
    this.#waiting.set(key, waiting);
    return waiting;
  }

  /** How many calls are out that are not old. */
  #count(key: string): number {
    return this.open().filter((call) => call.key === key && this.now - call.left < patience).length;
  }

  /** The place of one who gave up stays taken. */
  #departWhereFree(): void {
    for (const [key, { places }] of this.#waiting) {
      const most = places.size >= this.#maxItems ? 2 : 1;
      if (this.#count(key) < most) this.#depart(key);
    }
  }

  #depart(key: string): void {
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
        left: this.now,
        deadline,
        seen: new Map(this.versions),
        isOpen: true,
      });
    }
  }

  #openOf(lookup: Lookup): ModelCall[] {
    return this.open().filter(({ lookups }) => lookups.includes(lookup));
  }

  #isAlone(lookup: Lookup): boolean {
    const calls = this.#openOf(lookup);
    return calls.length > 0 && calls.every(({ lookups }) => lookups.length === 1);
  }

  #deliver({ ids, seen }: ModelCall, lookup: Lookup): void {
    for (const id of ids) {
      const version = seen.get(id);
      if (lookup.ids.has(id) && version !== undefined) lookup.found.set(id, version);
    }
    if (this.#openOf(lookup).length === 0) lookup.outcome = lookup.found;
  }

  #giveUp(lookup: Lookup): void {
    this.failed.push(lookup);
    lookup.outcome = 504;
  }
}
