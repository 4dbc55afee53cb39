import { isatty } from 'node:tty';

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Whether a user started this process at a terminal. SIGHUP then means that the terminal was closed. */
export const hasTerminal = isatty(0) || isatty(1);

/** Instances of one app leave these signals to their parent: Ctrl-C reaches every process of a terminal. */
const isInstance = process.env.MONOLITH_INSTANCE !== undefined;

function exitEarly(signal: NodeJS.Signals): void {
  if (isInstance || (signal === 'SIGHUP' && !hasTerminal)) return;
  process.exit(0);
}

/** Handles signals while the modules are imported: nothing is open yet, so the process exits with 0. */
export function handleEarlySignals(): void {
  for (const signal of signals) process.on(signal, exitEarly);
}

/** Ends that, once other listeners are there. */
export function releaseEarlySignals(): void {
  for (const signal of signals) process.off(signal, exitEarly);
}
