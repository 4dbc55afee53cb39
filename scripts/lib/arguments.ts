/** Arguments of the commands for people, and errors of one line. Imports nothing, so that --help is quick. */
import { fileURLToPath } from 'node:url';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** The project's folder, with a slash at its end. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A wrong argument: one line, exit code 2. */
export class UsageError extends Error {}

/** Something that a person can fix: one line, exit code 1. */
export class CommandError extends Error {}

/** Runs a command. An error that a person can fix is one line; any other has its stack. */
export async function runCommand(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const isKnown = error instanceof UsageError || error instanceof CommandError;
    // The system refused: no room, no permission.
    const isOfSystem = (error as NodeJS.ErrnoException).syscall !== undefined;
    console.error(isKnown || isOfSystem ? (error as Error).message : error);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

const help = { type: 'boolean', short: 'h', default: false } as const;

/**
 * Reads the arguments of the process, `--help` among them; `max` is how many may stand without an option.
 * @throws {UsageError}
 */
export function readArguments<Options extends ParseArgsOptionsConfig>(options: Options, max = Infinity) {
  const { values, positionals } = parse({ ...options, help });
  const [extra] = positionals.slice(max);
  if (extra !== undefined) throw new UsageError(`Unknown argument '${extra}': see --help`);
  return { values, positionals };
}

function parse<Options extends ParseArgsOptionsConfig>(options: Options) {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ', 1)[0]}: see --help`);
  }
}
