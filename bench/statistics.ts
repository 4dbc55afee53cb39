/** What is aimed at: a figure of at least, or of at most, so much. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export type Verdict = 'reached' | 'missed' | 'undecided';

/** The middle of the figures, and the quarter of them on either side of it. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/** Nothing is concluded where the goal lies within the spread: the next run might say the opposite. */
export function judge({ low, high }: Spread, goal: Goal): Verdict {
  const [bound, isLowReached, isHighReached] =
    'atLeast' in goal
      ? [goal.atLeast, low >= goal.atLeast, high >= goal.atLeast]
      : [goal.atMost, low <= goal.atMost, high <= goal.atMost];
  if (!Number.isFinite(bound) || Number.isNaN(low) || Number.isNaN(high)) return 'undecided';
  if (isLowReached !== isHighReached) return 'undecided';
  return isLowReached ? 'reached' : 'missed';
}

/** Between the two figures that are nearest to it. */
function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
