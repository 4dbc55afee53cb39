import { expect, type TestContext, test } from 'vitest';
import { createBoxService, type Violation } from '../../../tools/fuzz/box-service.ts';
import { root, startProcess } from '../../e2e/process/helper.ts';
import { createTestApp } from '../../support/app.ts';

async function fuzz(t: TestContext, ...args: string[]) {
  const running = startProcess(t, process.execPath, ['tools/fuzz/run.ts', ...args], { cwd: root });
  const { code } = await running.ended;
  return { code, output: running.output() };
}

async function serveBoxes(t: TestContext, violation: Violation): Promise<string> {
  return (
    await createTestApp(t, { services: [createBoxService(violation)], config: { log: { level: 'silent' } } })
  ).url;
}

test('fuzz ends with 0 if no response violates the contract, and prints the number of each status', async (t) => {
  const { code, output } = await fuzz(
    t,
    '--seed',
    '5',
    '--requests',
    '1000',
    '--url',
    await serveBoxes(t, 'none'),
  );
  expect(output).toMatch(/^seed 5: to repeat, \.\/run\.sh fuzz --seed 5 --requests 1000\n/);
  expect(output).toContain('\n1000 of 1000 requests\n');
  expect(output).toMatch(/\nGET \/box\/boxes\/\{box_id\} +200 × \d+, 400 × \d+, 404 × \d+, 422 × \d+\n/);
  expect(output).toMatch(/\n\d+ requests; \d+ of \d+ valid requests were accepted \(100.0 %\)\n$/);
  expect(code).toBe(0);
});

test('fuzz ends with 1 if a response violates the contract, and prints the request', async (t) => {
  const url = await serveBoxes(t, 'another content type');
  const { code, output } = await fuzz(t, '--seed', '5', '--requests', '1000', '--url', `${url}/`);
  expect(output).toContain(
    '\nGET /box/boxes/{box_id}: 200 has content type text/html, but application/json is documented',
  );
  expect(output).toMatch(new RegExp(`\\n {2}curl -sig --path-as-is -X GET '${url}/box/boxes/box-\\d+`));
  expect(output).toMatch(/\nfailed with seed 5\n$/);
  expect(code).toBe(1);
});

test('fuzz ends with 1 if a documented status never comes', async (t) => {
  const { code, output } = await fuzz(
    t,
    '--seed',
    '5',
    '--requests',
    '3',
    '--url',
    await serveBoxes(t, 'a status that never comes'),
  );
  expect(output).toContain('\nnever reached: GET /box/boxes/{box_id} 410\n');
  expect(code).toBe(1);
});

test.for([
  { args: ['--requests', '1e3'], message: '--requests must be an integer from 1 to 10000000\n' },
  { args: ['--seed', 'x'], message: '--seed must be an integer from 0 to 2147483647\n' },
  { args: ['--database', 'sqlite:a'], message: '--database must be postgres://user@host/database\n' },
  {
    args: ['--database', 'postgres://h/a', '--url', 'http://localhost'],
    message: 'Expected --url or --database, not both\n',
  },
  { args: ['--nope'], message: 'Unknown option --nope: see --help\n' },
  { args: ['10'], message: 'Unknown argument 10: see --help\n' },
])('fuzz ends with 2 and one line on $args', async ({ args, message }, t) => {
  expect(await fuzz(t, ...args)).toEqual({ code: 2, output: message });
});
