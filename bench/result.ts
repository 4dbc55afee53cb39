import type { Generator, Measured } from './load.ts';
import type { Goal } from './statistics.ts';

/** A line of the table. */
export interface Result {
  /** Its name for `--only`. */
  readonly row: string;
  readonly work: string;
  readonly against: string;
  /** Without a unit it is a ratio. */
  readonly unit?: 'ms' | 'MiB' | '/s';
  /** A result without a goal is only shown. */
  readonly goal?: Goal;
  readonly values: readonly number[];
  /** Whether it compares the product with another framework, and more is better. */
  readonly isRivalry?: boolean;
  /** The reasons to doubt the figure. */
  readonly warnings?: readonly string[];
  /** Why there is no figure: a measurement failed, or a dependency is missing. */
  readonly failed?: string;
  readonly notRun?: string;
  /** The figures under growing load. */
  readonly curve?: Curve;
}

export interface Curve {
  /** The requested resource. */
  readonly work: string;
  readonly points: readonly CurvePoint[];
}

/** The figures at a load relative to the capacity: requests per second, and times in ms. */
export interface CurvePoint {
  readonly load: number;
  readonly offered: number;
  readonly accepted: number;
  readonly rejected: number;
  /** The accepted rate, relative to the capacity. */
  readonly ofCapacity: number;
  /** The times of accepted and of rejected requests. */
  readonly p50: number;
  readonly p99: number;
  readonly rejectedP99: number;
  /** The slowest health request. */
  readonly health: number;
  /** The total number of responses. */
  readonly responses: Readonly<Record<'accepted' | 'rejected' | 'others' | 'health', number>>;
  readonly warnings: readonly string[];
}

/** A row of the benchmark. It gives one or several lines of the table. */
export interface Row {
  readonly name: string;
  readonly work: string;
  readonly against: string;
  run(bench: Bench): Promise<Result[]>;
}

/** The settings and tools of all rows. */
export interface Bench {
  /** The number of measurements. */
  readonly pairs: number;
  /** The number of earlier runs, in which code is compiled. */
  readonly warmUps: number;
  /** Seconds of warm-up before each figure, and of its measurement. */
  readonly warmUp: number;
  readonly seconds: number;
  /** Seconds of load for the memory. */
  readonly memorySeconds: number;
  /** The rounds, loads (relative to the capacity) and seconds of the overload rows. */
  readonly overload: {
    readonly rounds: number;
    /** How many disturbed rounds may be repeated. */
    readonly maxRepeats: number;
    readonly loads: readonly number[];
    readonly warmUp: number;
    readonly seconds: number;
  };
  readonly generator: Generator;
  /** Waits, for a limited time, until no other process uses the cores. */
  waitForQuiet(): Promise<void>;
  /** Shows the progress. */
  showProgress(progress: string): void;
}

/** A dependency of a row is missing on this machine. */
export class NotRun extends Error {}

/** The share of a core that other processes may use. Every machine has some. */
export const tolerated = 0.15;

/** Lists reasons to doubt figures. Unless `isIdle`, the core of the server must have been the limit. */
export function findDoubts(measured: readonly Measured[], isIdle = false): string[] {
  const serverBusy = Math.min(...measured.map((figure) => figure.serverBusy));
  const loadBusy = Math.max(...measured.map((figure) => figure.loadBusy));
  const othersBusy = Math.max(...measured.map((figure) => figure.othersBusy));
  const doubts: string[] = [];
  if (!isIdle && serverBusy < 0.9) {
    doubts.push(
      `the server was not the limit: it took ${percent(serverBusy)} of its core, the load generator ${percent(loadBusy)}`,
    );
  }
  if (othersBusy > tolerated) doubts.push(`other processes took up to ${percent(othersBusy)} of a core`);
  return doubts;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
