import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../e2e/process/helper.ts';
import { listExamples, readme } from './examples.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

test('every command that the README names is an npm script, and it names every one', () => {
  const named = [...readme.matchAll(/(?:npm run |npm (?=start|test)|\.\/run\.sh )([\w:]+)/g)].map(
    ([, name]) => name as string,
  );
  const own = [...new Set(named)].filter((name) => name !== 'COMMAND');
  // The README starts the server by `./run.sh` alone.
  expect(own.sort()).toEqual(Object.keys(scripts).sort());
});

test('every command and option of run.sh that the README names is in its help', () => {
  const usage = readFileSync(join(root, 'run.sh'), 'utf8');
  for (const [, word] of readme.matchAll(/\.\/run\.sh (?!COMMAND)([\w:]+|--\w+)/g))
    expect(usage).toContain(`  ${word}`);
});

test('every file and folder that the README names exists', () => {
  const paths = [
    ...readme.matchAll(/`((?:src|generated|test|scripts|logs|\.ci)[\w./-]*|[\w.-]+\.(?:mjs|yaml|sh|ts))`/g),
  ];
  // Of the example of a new service.
  const known = [
    'index.ts',
    'tables.ts',
    'schemas.ts',
    'routes.ts',
    'repository.ts',
    'src/services/toy',
    'src/services/toy/pet-client.ts',
  ];
  for (const [, path] of paths) {
    if (known.includes(path as string)) continue;
    expect(existsSync(join(root, path as string)), path).toBe(true);
  }
});

test('the configs that the README compares differ in nothing but what runs where', () => {
  const [one, split] = ['config.yaml', 'config.split.yaml'].map((name) =>
    readFileSync(join(root, name), 'utf8').split(/^apps:/m),
  );
  expect(split?.[0]).toBe(one?.[0]);
});

test('the README has curl lines with their answers, for .ci/run to run', () => {
  const examples = listExamples();
  expect(examples.filter(({ command }) => command.startsWith('curl ')).length).toBeGreaterThanOrEqual(8);
  for (const { command, answer } of examples) expect(answer, command).not.toBe('');
});
