import type { Generator, Measured } from './load.ts';
import type { Goal } from './statistics.ts';

/** A line of the table. */
export interface Result {
  /** Its name for `--only`. */
  readonly row: string;
  readonly work: string;
  readonly against: string;
  /** A ratio where there is none. */
  readonly unit?: 'ms' | 'MiB';
  /** Without one it is a figure to know, and nothing to reach. */
  readonly goal?: Goal;
  readonly values: readonly number[];
  /** Whether it says how we compare with somebody else, more being better. */
  readonly isRivalry?: boolean;
  /** What makes the figure doubtful. */
  readonly warnings?: readonly string[];
  /** Why there is no figure: an answer was wrong, or something could not be had. */
  readonly failed?: string;
  readonly notRun?: string;
  /** What became of it as the load grew. */
  readonly curve?: Curve;
}

export interface Curve {
  /** What is asked for. */
  readonly work: string;
  readonly points: readonly CurvePoint[];
}

/** At so many times the load that a server can take: requests a second, and ms. */
export interface CurvePoint {
  readonly load: number;
  readonly offered: number;
  readonly accepted: number;
  readonly shed: number;
  /** What was accepted, of what it can take. */
  readonly ofCapacity: number;
  /** Of what was accepted, and of what was refused. */
  readonly p50: number;
  readonly p99: number;
  readonly shedP99: number;
  /** Of the slowest look at health. */
  readonly health: number;
  /** How many came, in all. */
  readonly answers: Readonly<Record<'accepted' | 'shed' | 'others' | 'health', number>>;
  readonly warnings: readonly string[];
}

/** A row of the bench: what it measures becomes one line of the table or several. */
export interface Row {
  readonly name: string;
  readonly work: string;
  readonly against: string;
  run(bench: Bench): Promise<Result[]>;
}

/** What every row has at hand. */
export interface Bench {
  /** How often each is measured. */
  readonly pairs: number;
  /** How often before that, so that what compiles as it runs has done so. */
  readonly warmUps: number;
  /** Seconds before each figure, and of it. */
  readonly warmUp: number;
  readonly seconds: number;
  /** Seconds of load for the memory. */
  readonly memorySeconds: number;
  /** How often and how long more is asked than a server can take, and how many times as much. */
  readonly overload: {
    readonly rounds: number;
    /** How many of them may be done anew. */
    readonly patience: number;
    readonly loads: readonly number[];
    readonly warmUp: number;
    readonly seconds: number;
  };
  readonly generator: Generator;
  /** Waits while something else is busy on our cores, as long as is sensible. */
  waitForQuiet(): Promise<void>;
  /** Shows how far it is. */
  say(progress: string): void;
}

/** What a row needs and this machine does not have. */
export class NotRun extends Error {}

/** Cores that something else may take: that much runs on every machine. */
export const tolerated = 0.15;

/** What makes figures doubtful of servers that should have been at the end of their core, unless `isIdle`. */
export function findDoubts(measured: readonly Measured[], isIdle = false): string[] {
  const serverBusy = Math.min(...measured.map((figure) => figure.serverBusy));
  const loadBusy = Math.max(...measured.map((figure) => figure.loadBusy));
  const othersBusy = Math.max(...measured.map((figure) => figure.othersBusy));
  const doubts: string[] = [];
  if (!isIdle && serverBusy < 0.9) {
    doubts.push(
      `the server was not the limit: it took ${percent(serverBusy)} of its core, the load ${percent(loadBusy)}`,
    );
  }
  if (othersBusy > tolerated) doubts.push(`something else took up to ${percent(othersBusy)} of a core`);
  return doubts;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
