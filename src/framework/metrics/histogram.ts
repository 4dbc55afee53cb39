/** Bounds for how long something took, in seconds. */
export const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Bounds for how many were together. */
export const countBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** How often values came, by upper bounds, and their sum: what a histogram is drawn from. To add makes nothing. */
export class Histogram {
  readonly bounds: readonly number[];
  /** By bound, the values up to it and past the one before; the last are those past all. */
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
