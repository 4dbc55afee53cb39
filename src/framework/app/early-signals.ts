import { isatty } from 'node:tty';

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Whether this process has a terminal. SIGHUP then means that the terminal was closed. */
export const hasTerminal = isatty(0) || isatty(1);

/**
 * Whether this process is an instance. It ignores these signals, because Ctrl-C reaches every process of a terminal,
 * and the parent stops its instances.
 */
const isInstance = process.env.MONOLITH_INSTANCE !== undefined;

function exitEarly(signal: NodeJS.Signals): void {
  if (isInstance || (signal === 'SIGHUP' && !hasTerminal)) return;
  process.exit(0);
}

/** Handles signals while modules are imported. The process exits with 0, because nothing is open yet. */
export function handleEarlySignals(): void {
  for (const signal of signals) process.on(signal, exitEarly);
}

/** Removes the listeners of `handleEarlySignals`. Call it after the final listeners are added. */
export function releaseEarlySignals(): void {
  for (const signal of signals) process.off(signal, exitEarly);
}
