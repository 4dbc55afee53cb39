import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { outcome, pathWith, root, startProcess } from '../e2e/process/helper.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

const unknownProject =
  /^Unknown project nope\. Expected one of services, framework, postgres, faults, browser, groupings\n$/;

test.for([
  { args: ['--bogus'], message: /^Unknown option --bogus: see \.\/run\.sh test --help\n$/ },
  { args: ['-t'], message: /^option -t, .* value is missing: see \.\/run\.sh test --help\n$/ },
  { args: ['--project', 'nope'], message: unknownProject },
  { args: ['--project=services', '--project=!nope'], message: unknownProject },
])('the command of the tests ends with 2 and one line on $args', async ({ args, message }, t) => {
  // Like run.sh and npm.
  const env = { PATH: pathWith(join(root, 'node_modules/.bin')) };
  const command = ['-c', `${scripts.test} "$@"`, 'test', ...args];
  const { code, output } = await outcome(startProcess(t, 'sh', command, { env }));
  expect(output).toMatch(message);
  expect(code).toBe(2);
});
