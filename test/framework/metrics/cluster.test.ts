import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { linkMetrics, mergeExpositions } from '../../../src/framework/metrics/cluster.ts';

test('an instance whose parent does not respond returns only its own metrics', async (t) => {
  vi.useFakeTimers();
  t.onTestFinished(() => void vi.useRealTimers());
  const parent = Object.assign(new EventEmitter(), { send: vi.fn(() => true) });
  const link = linkMetrics(parent as never);
  link.publish(async () => 'own');
  const gathered = link.gather();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await gathered).toBe('own');
  expect(parent.send).toHaveBeenCalledWith({ metrics: 'gather', id: 1 });
});

test('mergeExpositions groups the samples of several instances by metric', () => {
  const text = (worker: number) =>
    `# HELP a A.\n# TYPE a gauge\na{worker="${worker}"} 1\n\n# HELP b B.\n# TYPE b gauge\nb{worker="${worker}"} 2\n`;
  expect(mergeExpositions([text(1), text(2)])).toBe(
    '# HELP a A.\n# TYPE a gauge\na{worker="1"} 1\na{worker="2"} 1\n\n# HELP b B.\n# TYPE b gauge\nb{worker="1"} 2\nb{worker="2"} 2\n',
  );
});
