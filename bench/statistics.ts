/** A goal: a minimum or a maximum of a figure. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export type Verdict = 'reached' | 'missed' | 'undecided';

/** The median and the quartiles of figures. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/** Compares figures with a goal. A goal within the spread is undecided, because another run could have another result. */
export function judge({ low, high }: Spread, goal: Goal): Verdict {
  const [bound, isLowReached, isHighReached] =
    'atLeast' in goal
      ? [goal.atLeast, low >= goal.atLeast, high >= goal.atLeast]
      : [goal.atMost, low <= goal.atMost, high <= goal.atMost];
  if (!Number.isFinite(bound) || Number.isNaN(low) || Number.isNaN(high)) return 'undecided';
  if (isLowReached !== isHighReached) return 'undecided';
  return isLowReached ? 'reached' : 'missed';
}

/** Interpolates between the two nearest figures. */
function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
