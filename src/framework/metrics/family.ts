import type { Histogram } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;

/** One line of the text format. */
export interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** A metric with its current series. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'histogram' | 'counter' | 'gauge';
  read(): Iterable<Sample>;
}

/** Converts a histogram to samples. Each bucket of the text format includes the buckets with lower bounds. */
export function toSamples(name: string, labels: Labels, { bounds, counts, sum }: Histogram): Sample[] {
  let total = 0;
  const buckets = [...counts].map((count, index) => {
    total += count;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[index] ?? '+Inf' }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: total },
  ];
}
