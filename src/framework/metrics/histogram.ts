/** Upper bounds for durations, in seconds. */
export const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Upper bounds for the sizes of batches and commits. */
export const countBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Counts values by upper bounds, and sums them. `add` allocates no memory. */
export class Histogram {
  readonly bounds: readonly number[];
  /** The number of values for each bound that no lower bound includes. The last number is of values above all bounds. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    const { bounds, counts } = this;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] as number)) index += 1;
    counts[index] = (counts[index] as number) + 1;
    this.sum += value;
  }
}
