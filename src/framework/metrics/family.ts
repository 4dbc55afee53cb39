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
