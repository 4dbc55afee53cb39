import { fileURLToPath } from 'node:url';
import { UsageError } from '../../src/framework/app/arguments.ts';

/** The folder of the project, with a slash at the end. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The folder in which the user started the command. run.sh and npm set the variable. */
export const caller = process.env.INIT_CWD ?? process.cwd();

/** An error that a user can fix: one line, exit code 1. */
export class CommandError extends Error {}

/** Runs a command. Prints one line for an error that a user can fix, and a stack for any other. */
export async function runCommand(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const isKnown = error instanceof UsageError || error instanceof CommandError;
    // For example, no space or no permission.
    const isSystemError = (error as NodeJS.ErrnoException).syscall !== undefined;
    console.error(isKnown || isSystemError ? (error as Error).message : error);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
