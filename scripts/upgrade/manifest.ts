/** Merges the package.json of a newer framework into that of a product. */
type Values = Record<string, unknown>;

export interface MergedManifest {
  readonly text: string;
  /** A line for each entry that changes. */
  readonly changes: readonly string[];
  /** Whether npm must install. */
  readonly hasNewDependencies: boolean;
}

/** The members that the framework and the product share, entry by entry. All others are the product's. */
const maps = ['engines', 'imports', 'scripts', 'dependencies', 'devDependencies', 'overrides'] as const;
const isEqual = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/**
 * Merges. The framework's entries are in the result, and those that it dropped are not; the product's own entries stay. An
 * entry that the product changed and the framework did not stays as it is.
 * @param leftOut the names of packages and scripts that the product does not get.
 * @param base the package.json of the framework's version that the product has. Undefined: unknown, so nothing is dropped.
 */
export function mergeManifest(
  own: string,
  base: string | undefined,
  next: string,
  leftOut: readonly string[],
): MergedManifest {
  const merged = JSON.parse(own) as Record<string, Values | undefined>;
  const newer = JSON.parse(next) as typeof merged;
  const older = JSON.parse(base ?? '{}') as typeof merged;
  const changes: string[] = [];
  for (const section of maps) {
    const mine: Values = { ...merged[section] };
    const [theirs, before] = [newer[section] ?? {}, older[section] ?? {}];
    for (const [key, value] of Object.entries(theirs)) {
      const isAbsent = !(key in mine);
      const hasMoved = section === 'devDependencies' && key in (merged.dependencies ?? {});
      if (isAbsent && (leftOut.includes(key) || hasMoved)) continue;
      const isOwn = !isAbsent && base !== undefined && isEqual(value, before[key]);
      if (isOwn || isEqual(mine[key], value)) continue;
      changes.push(`${section}.${key}: ${isAbsent ? 'added' : `${String(mine[key])} →`} ${String(value)}`);
      mine[key] = value;
    }
    for (const key of Object.keys(before)) {
      if (key in theirs || !isEqual(mine[key], before[key])) continue;
      delete mine[key];
      changes.push(`${section}.${key}: removed, because the framework no longer needs it`);
    }
    if (Object.keys(mine).length > 0 || merged[section] !== undefined)
      merged[section] = section.endsWith('ependencies') ? sortKeys(mine) : mine;
  }
  if (newer.devEngines !== undefined && !isEqual(merged.devEngines, newer.devEngines)) {
    merged.devEngines = newer.devEngines;
    changes.push('devEngines: changed');
  }
  return {
    text: changes.length === 0 ? own : `${JSON.stringify(merged, null, 2)}\n`,
    changes,
    hasNewDependencies: changes.some((line) => /^(d|devD)ependencies|^overrides/.test(line)),
  };
}

function sortKeys(values: Values): Values {
  return Object.fromEntries(Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1)));
}
