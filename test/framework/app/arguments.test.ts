import { expect, test } from 'vitest';
import { readArguments, UsageError } from '../../../src/framework/app/arguments.ts';

const options = {
  config: { type: 'string', default: 'config.yaml' },
  pretty: { type: 'boolean', default: false },
} as const;
const read = (...args: string[]) => readArguments(options, 1, args);

test('readArguments returns defaults, values and positionals', () => {
  expect(read().values).toEqual({ config: 'config.yaml', pretty: false, help: false });
  expect(read('--config', 'a.yaml', '--pretty', 'pet')).toMatchObject({
    values: { config: 'a.yaml', pretty: true },
    positionals: ['pet'],
  });
  expect(read('--config=-a.yaml').values.config).toBe('-a.yaml');
  expect(read('--', '--nope').positionals).toEqual(['--nope']);
});

test.for(['--help', '-h'])('%s requests the help text', (argument) => {
  expect(read(argument).values.help).toBe(true);
});

test.for([
  [['--nope'], 'Unknown option --nope: see --help'],
  [['--nope=1'], 'Unknown option --nope: see --help'],
  [['-x'], 'Unknown option -x: see --help'],
  [['--config'], 'Missing value of --config: see --help'],
  [['--config', '--pretty'], 'Missing value of --config: see --help'],
  [['--pretty=yes'], 'Expected no value of --pretty: see --help'],
  [['pet', 'user'], 'Unknown argument user: see --help'],
] as const)('readArguments rejects %j with one line', ([args, message]) => {
  expect(() => read(...args)).toThrow(new UsageError(message));
});
