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
  /** What makes the figure doubtful. */
  readonly warnings?: readonly string[];
  /** Why there is no figure: an answer was wrong, or something could not be had. */
  readonly failed?: string;
  readonly notRun?: string;
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
  /** Seconds before each figure, and of it. */
  readonly warmUp: number;
  readonly seconds: number;
  /** Seconds of load for the memory. */
  readonly memorySeconds: number;
  readonly generator: Generator;
  /** Shows how far it is. */
  say(progress: string): void;
}

/** What a row needs and this machine does not have. */
export class NotRun extends Error {}

/** Doubts about figures of servers that should have been at the end of their core. */
export function findDoubts(measured: readonly Measured[]): string[] {
  const serverBusy = Math.min(...measured.map((figure) => figure.serverBusy));
  if (serverBusy >= 0.9) return [];
  const loadBusy = Math.max(...measured.map((figure) => figure.loadBusy));
  return [
    `the server was not the limit: it took ${percent(serverBusy)} of its core, the load ${percent(loadBusy)}`,
  ];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
