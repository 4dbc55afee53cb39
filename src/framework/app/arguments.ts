import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** A usage error of a command: one line, exit code 2. */
export class UsageError extends Error {}

const help = { type: 'boolean', short: 'h', default: false } as const;

/**
 * Reads the arguments of a command, including `--help`. This file imports only modules of Node, because `--help` must be
 * fast.
 * @param maxPositionals the maximum number of arguments that belong to no option.
 * @param args default: the arguments of the process.
 * @throws {UsageError}
 */
export function readArguments<Options extends ParseArgsOptionsConfig>(
  options: Options,
  maxPositionals = 0,
  args?: string[],
) {
  const config = { ...(args && { args }), allowPositionals: true, options: { ...options, help } } as const;
  const { tokens } = parseArgs({ ...config, strict: false, tokens: true });
  let positionals = 0;
  for (const token of tokens) {
    if (token.kind === 'positional') {
      positionals += 1;
      if (positionals > maxPositionals) throw usageError(`Unknown argument ${token.value}`);
    } else if (token.kind === 'option') {
      const { name, rawName, value, inlineValue } = token;
      if (!Object.hasOwn(config.options, name)) throw usageError(`Unknown option ${rawName}`);
      const takesValue = config.options[name]?.type === 'string';
      // In `--config --app gateway` the value of `--config` is missing.
      const isMissing = value === undefined || (!inlineValue && value.startsWith('-'));
      if (takesValue && isMissing) throw usageError(`Missing value of ${rawName}`);
      if (!takesValue && value !== undefined) throw usageError(`Expected no value of ${rawName}`);
    }
  }
  return parseArgs(config);
}

/** Creates a usage error that refers to the help text. */
export function usageError(message: string): UsageError {
  return new UsageError(`${message}: see --help`);
}
