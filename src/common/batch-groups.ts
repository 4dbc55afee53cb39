/** One who waits for things with these ids. */
interface Member {
  readonly ids: readonly number[];
  /** Whether he has given up. */
  readonly isGone: boolean;
}

/** Those who leave together, and what they want. */
export interface Group<One> {
  readonly members: readonly One[];
  readonly ids: ReadonlySet<number>;
}

/** Those who wait, in groups that leave one after the other. */
export interface Groups<One> {
  add(one: One): void;
  /** How many ids the first group wants, with those of who is gone. */
  count(): number;
  /** Takes the first group that has anybody left, without those who are gone. */
  take(): Group<One> | undefined;
}

/** @param enough so many ids, after which a group takes nobody more. */
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
    take() {
      for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
        const members = group.members.filter(({ isGone }) => !isGone);
        if (members.length === group.members.length) return group;
        if (members.length > 0) return { members, ids: new Set(members.flatMap(({ ids }) => ids)) };
      }
      return undefined;
    },
  };
}

/** A group in parts of `size` ids each, with those who want any of them. */
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
