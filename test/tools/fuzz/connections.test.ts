import { describe, expect, test } from 'vitest';
import { groupings, startProduct } from '../../../tools/fuzz/connection-servers.ts';
import { fuzzConnections } from '../../../tools/fuzz/connections.ts';
import { root, startProcess } from '../../e2e/process/helper.ts';

// Each run takes some more seconds, until resources are released.
describe.each(groupings)('misbehaving clients for 5 s, in %s,', (grouping) => {
  test('end no process, and leave no request, file, memory or key in use', {
    timeout: 120_000,
  }, async (t) => {
    const product = await startProduct(grouping);
    t.onTestFinished(() => product.stop());
    const { connections, retried, failures } = await fuzzConnections(product, 1, 5);
    expect(failures).toEqual([]);
    expect(connections).toBeGreaterThan(40);
    expect(retried).toBeGreaterThan(10);
  });
});

test.for([
  {
    args: ['--help'],
    code: 0,
    message: /^Usage: \.\/run\.sh fuzz:connections \[--seed N\] \[--seconds N\]\n/,
  },
  { args: ['--seconds', '0'], code: 2, message: /^--seconds must be an integer from 2 to 86400\n$/ },
  { args: ['--nope'], code: 2, message: /^Unknown option --nope: see --help\n$/ },
])('fuzz:connections ends with $code on $args', async ({ args, code, message }, t) => {
  const running = startProcess(t, process.execPath, ['tools/fuzz/run-connections.ts', ...args], {
    cwd: root,
  });
  expect((await running.ended).code).toBe(code);
  expect(running.output()).toMatch(message);
});
