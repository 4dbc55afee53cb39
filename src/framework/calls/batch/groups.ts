/** A pending lookup of items with these ids. */
interface Member {
  readonly ids: readonly number[];
}

/** Lookups that share calls, and the ids that they need. */
export interface Group<One> {
  readonly members: readonly One[];
  readonly ids: ReadonlySet<number>;
}

/** Pending lookups, in groups that leave one after the other. */
export interface Groups<One> {
  add(one: One): void;
  /** Returns the number of ids of the first group, including those of members that no longer wait. */
  count(): number;
  /** Takes the first group that has a live member, without the others. */
  take(isLive: (one: One) => boolean): Group<One> | undefined;
}

/** Creates an empty list of groups. A group with `enough` ids takes no further member. */
export function createGroups<One extends Member>(enough: number): Groups<One> {
  const groups: { members: One[]; ids: Set<number> }[] = [];
  return {
    add(one) {
      let group = groups.at(-1);
      if (group === undefined || group.ids.size >= enough) {
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

/** Returns the group without members that no longer wait, and without their ids. Undefined if no member is left. */
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

/** Splits a group into parts of `size` ids each, with the members that want any of them. */
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
