import { expect, type TestContext, test } from 'vitest';
import { createBoxService, type Fault } from '../../../tools/fuzz/box-service.ts';
import { root, run } from '../../e2e/process/helper.ts';
import { createTestApp } from '../../support/app.ts';

async function fuzz(t: TestContext, ...args: string[]) {
  const running = run(t, process.execPath, ['tools/fuzz/run.ts', ...args], { cwd: root });
  const { code } = await running.ended;
  return { code, output: running.output() };
}

async function serveBoxes(t: TestContext, fault: Fault): Promise<string> {
  return (
    await createTestApp(t, { services: [createBoxService(fault)], config: { log: { level: 'silent' } } })
  ).url;
}

test('fuzz ends with 0 where all is as documented, and says how often each status came', async (t) => {
  const { code, output } = await fuzz(
    t,
    '--seed',
    '5',
    '--requests',
    '1000',
    '--url',
    await serveBoxes(t, 'none'),
  );
  expect(output).toMatch(/^seed 5: to send the same again, \.\/run\.sh fuzz --seed 5 --requests 1000\n/);
  expect(output).toContain('\n1000 of 1000 requests\n');
  expect(output).toMatch(/\nGET \/box\/boxes\/\{box_id\} +200 × \d+, 400 × \d+, 404 × \d+, 422 × \d+\n/);
  expect(output).toMatch(/\n1000 requests; \d+ of \d+ requests that fit were taken \(100.0 %\)\n$/);
  expect(code).toBe(0);
});

test('fuzz ends with 1 where an answer is not as documented, and says how to ask for it', async (t) => {
  const url = await serveBoxes(t, 'another content type');
  const { code, output } = await fuzz(t, '--seed', '5', '--requests', '1000', '--url', `${url}/`);
  expect(output).toContain(
    '\nGET /box/boxes/{box_id}: 200 has content type text/html, documented is application/json',
  );
  expect(output).toMatch(new RegExp(`\\n {2}curl -sig --path-as-is -X GET '${url}/box/boxes/box-\\d+`));
  expect(output).toMatch(/\nfailed, with seed 5\n$/);
  expect(code).toBe(1);
});

test('fuzz ends with 1 where so few requests do not come to every status', async (t) => {
  const { code, output } = await fuzz(
    t,
    '--seed',
    '5',
    '--requests',
    '3',
    '--url',
    await serveBoxes(t, 'none'),
  );
  expect(output).toContain('\nnever reached: POST /box/boxes 2xx\n');
  expect(code).toBe(1);
});

test.for([
  { args: ['--requests', '1e3'], says: '--requests must be an integer from 1 to 10000000\n' },
  { args: ['--seed', 'x'], says: '--seed must be an integer from 0 to 2147483647\n' },
  { args: ['--database', 'sqlite:a'], says: '--database must be postgres://user@host/database\n' },
  {
    args: ['--database', 'postgres://h/a', '--url', 'http://localhost'],
    says: 'Expected --url or --database, not both\n',
  },
  { args: ['--nope'], says: 'Unknown option --nope: see --help\n' },
  { args: ['10'], says: 'Unknown argument 10: see --help\n' },
])('fuzz ends with 2 and one line on $args', async ({ args, says }, t) => {
  expect(await fuzz(t, ...args)).toEqual({ code: 2, output: says });
});
