/** A pending lookup. */
interface Member {
  readonly ids: readonly number[];
}

/** Pending lookups that share calls, and their ids. */
export interface Group<One> {
  readonly members: readonly One[];
  readonly ids: ReadonlySet<number>;
}

/** Pending lookups, in groups that are sent one after the other. */
export interface Groups<One> {
  add(one: One): void;
  /** Returns the number of ids of the first group, including ids of members that no longer wait. */
  count(): number;
  /** Removes and returns the first group that has a live member, without the members that no longer wait. */
  take(isLive: (one: One) => boolean): Group<One> | undefined;
}

/** Creates an empty list of groups. A group with `fullAt` ids takes no further member. */
export function createGroups<One extends Member>(fullAt: number): Groups<One> {
  const groups: { members: One[]; ids: Set<number> }[] = [];
  return {
    add(one) {
      let group = groups.at(-1);
      if (group === undefined || group.ids.size >= fullAt) {
        group = { members: [], ids: new Set() };
        groups.push(group);
      }
      group.members.push(one);
      for (const id of one.ids) group.ids.add(id);
    },
    count: () => groups[0]?.ids.size ?? 0,
    take(isLive) {
      for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
        const live = selectLive(group, isLive);
        if (live !== undefined) return live;
      }
      return undefined;
    },
  };
}

/** Removes the members that no longer wait, and their ids. Undefined if no member is left. */
export function selectLive<One extends Member, Of extends Group<One>>(
  group: Of,
  isLive: (one: One) => boolean,
): Of | undefined {
  const members = group.members.filter(isLive);
  if (members.length === group.members.length) return group;
  if (members.length === 0) return undefined;
  const ids = new Set(members.flatMap(({ ids }) => ids.filter((id) => group.ids.has(id))));
  return { ...group, members, ids };
}

/** Splits a group into parts of up to `size` ids, with the members that need any of these ids. */
export function divide<One extends Member>(group: Group<One>, size: number): readonly Group<One>[] {
  if (group.ids.size <= size) return [group];
  const all = [...group.ids];
  const parts = Array.from({ length: Math.ceil(all.length / size) }, (_, index) => ({
    members: [] as One[],
    ids: new Set(all.slice(index * size, (index + 1) * size)),
  }));
  const partOf = new Map(all.map((id, index) => [id, parts[Math.floor(index / size)]]));
  for (const one of group.members) {
    for (const id of one.ids) {
      const { members } = partOf.get(id) as (typeof parts)[number];
      if (members.at(-1) !== one) members.push(one);
    }
  }
  return parts;
}
