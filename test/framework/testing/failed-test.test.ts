import { expect, type TestContext, test, vi } from 'vitest';
import { defineService } from '../../../src/framework/service/define-service.ts';
import { createTestApp } from '../../../src/framework/testing/index.ts';

test('a failed test prints the warnings and errors of its app, also removed ones', async (t) => {
  const broken = defineService({
    name: 'broken',
    description: 'Fails.',
    routes(scope) {
      scope.get('/fail', { schema: { hide: true } }, async () => {
        throw new Error('the reason of the failure');
      });
    },
  });
  let print = () => {};
  const failing = { ...t, onTestFinished: t.onTestFinished, onTestFailed: (fn: () => void) => (print = fn) };
  const { send, logs } = await createTestApp(failing as unknown as TestContext, { services: [broken] });
  await send('GET', '/broken/fail', undefined, { 'x-request-id': 'failed' });
  await send('GET', '/health');
  logs.length = 0;
  const printed: string[] = [];
  const spy = vi.spyOn(console, 'error').mockImplementation((text) => void printed.push(text));
  t.onTestFinished(() => spy.mockRestore());
  print();
  const defect = printed.filter((text) => !text.includes('the event loop was blocked'));
  expect(defect).toHaveLength(2);
  expect(defect[0]).toMatch(/^error \[broken\] \(failed\) request failed .*"route":"\/broken\/fail"/);
  expect(defect[1]).toMatch(/^Error: the reason of the failure\n {4}at .*failed-test\.test\.ts/);
});
