import type { PendingLookup } from './pending-lookup.ts';

/** Pending lookups that share calls, and their ids. */
export interface Group {
  readonly members: readonly PendingLookup[];
  readonly ids: ReadonlySet<number>;
}

/** Pending lookups, in groups that are sent one after the other. */
export class Groups {
  readonly #fullAt: number;
  readonly #groups: { members: PendingLookup[]; ids: Set<number> }[] = [];

  /** @param fullAt the number of ids from which a group takes no further member. */
  constructor(fullAt: number) {
    this.#fullAt = fullAt;
  }

  add(lookup: PendingLookup): void {
    let group = this.#groups.at(-1);
    if (group === undefined || group.ids.size >= this.#fullAt) {
      group = { members: [], ids: new Set() };
      this.#groups.push(group);
    }
    group.members.push(lookup);
    for (const id of lookup.ids) group.ids.add(id);
  }

  /** Returns the number of ids of the first group, including ids of members that no longer wait. */
  count(): number {
    return this.#groups[0]?.ids.size ?? 0;
  }

  /** Removes and returns the first group in which a member still waits, without the others. */
  take(): Group | undefined {
    for (let group = this.#groups.shift(); group !== undefined; group = this.#groups.shift()) {
      const waiting = selectWaiting(group);
      if (waiting !== undefined) return waiting;
    }
    return undefined;
  }
}

/** Removes the members that no longer wait, and their ids. Undefined if no member is left. */
export function selectWaiting<Of extends Group>(group: Of): Of | undefined {
  const members = group.members.filter((lookup) => lookup.isWaiting());
  if (members.length === group.members.length) return group;
  if (members.length === 0) return undefined;
  const ids = new Set(members.flatMap(({ ids }) => ids.filter((id) => group.ids.has(id))));
  return { ...group, members, ids };
}

/** Splits a group into parts of up to `size` ids, with the members that need any of these ids. */
export function divide(group: Group, size: number): readonly Group[] {
  if (group.ids.size <= size) return [group];
  const all = [...group.ids];
  const parts = Array.from({ length: Math.ceil(all.length / size) }, (_, index) => ({
    members: [] as PendingLookup[],
    ids: new Set(all.slice(index * size, (index + 1) * size)),
  }));
  const partOf = new Map(all.map((id, index) => [id, parts[Math.floor(index / size)]]));
  for (const lookup of group.members) {
    for (const id of lookup.ids) {
      const { members } = partOf.get(id) as (typeof parts)[number];
      if (members.at(-1) !== lookup) members.push(lookup);
    }
  }
  return parts;
}
