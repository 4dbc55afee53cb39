import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, type TestContext, test } from 'vitest';
import { queueSpans } from '../../../src/framework/tracing/span-queue.ts';
import { captureLog, findFreePort } from '../../support/app.ts';
import { startCollector } from '../../support/collector.ts';
import { until } from '../../support/until.ts';

/** Opens a queue with a real exporter. It exports batches of 10 immediately, to a collector that may not run. */
async function openQueue(t: TestContext, maxWaiting = 1_000) {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const { logs: lines, logging } = await captureLog('info');
  const log = logging.logger('gateway');
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces`, timeoutMillis: 700 });
  const queue = queueSpans(
    { maxWaiting, url, log, exporter },
    (observed) =>
      new BatchSpanProcessor({
        exporter: observed,
        maxExportBatchSize: 10,
        maxQueueSize: 2_000,
        scheduledDelayMillis: 20,
      }),
  );
  const tracer = new TracerProvider({ spanProcessors: [queue] }).getTracer('test');
  t.onTestFinished(() => queue.shutdown().catch(() => {}));
  return {
    lines,
    queue,
    createSpans(count: number): void {
      for (let index = 0; index < count; index += 1) tracer.startSpan('one').end();
    },
    startCollector: () => startCollector(t, port),
  };
}

test('the queue logs the start of a loss once, and its end once with the number of lost spans', async (t) => {
  const { lines, createSpans, startCollector } = await openQueue(t);
  for (let batch = 0; batch < 4; batch += 1) {
    createSpans(10);
    await sleep(60);
  }
  await until(() => expect(lines).toHaveLength(1));
  expect(lines[0]).toMatchObject({
    level: 'warn',
    reason: 'ECONNREFUSED',
    msg: 'spans are lost: the collector does not accept them',
  });
  expect(lines[0]).not.toHaveProperty('err');
  const collector = await startCollector();
  createSpans(10);
  await until(() => expect(lines).toHaveLength(2));
  expect(lines[1]).toMatchObject({ level: 'info', msg: 'the collector accepts spans again' });
  expect(50 - collector.spans.length).toBe(lines[1]?.lost);
  await sleep(100);
  expect(lines).toHaveLength(2);
});

test('the queue holds at most maxWaiting spans, and exports them when it is shut down', async (t) => {
  const { lines, createSpans, startCollector, queue } = await openQueue(t, 100);
  const collector = await startCollector();
  createSpans(300);
  expect(lines).toHaveLength(1);
  await queue.shutdown();
  // The first batch of 10 is exported immediately, which makes room for 10 more spans.
  expect(collector.spans).toHaveLength(110);
});
