import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, type TestContext, test, vi } from 'vitest';
import { queueSpans } from '../../../src/framework/tracing/span-queue.ts';
import { captureLog, findFreePort } from '../../support/app.ts';
import { startCollector } from '../../support/collector.ts';

/** A queue with a real exporter, in batches of 10 that go at once, to a collector that may be away. */
async function open(t: TestContext, most = 1_000) {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const { logs: lines, logging } = await captureLog('info');
  const log = logging.logger('gateway');
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces`, timeoutMillis: 700 });
  const queue = queueSpans(
    { most, url, log, exporter },
    (watched) =>
      new BatchSpanProcessor({
        exporter: watched,
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
    /** Makes so many. */
    spans(count: number): void {
      for (let made = 0; made < count; made += 1) tracer.startSpan('one').end();
    },
    startCollector: () => startCollector(t, port),
  };
}

test('says once that spans are lost, and once that they are not any more, with how many', async (t) => {
  const { lines, spans, startCollector } = await open(t);
  for (let batch = 0; batch < 4; batch += 1) {
    spans(10);
    await sleep(60);
  }
  await vi.waitFor(() => expect(lines).toHaveLength(1), { timeout: 15_000 });
  expect(lines[0]).toMatchObject({ level: 'warn', msg: 'spans are lost: the collector does not take them' });
  const collector = await startCollector();
  spans(10);
  await vi.waitFor(() => expect(lines).toHaveLength(2), { timeout: 15_000 });
  expect(lines[1]).toMatchObject({ level: 'info', msg: 'the collector takes spans again' });
  expect(50 - collector.spans.length).toBe(lines[1]?.lost);
  await sleep(100);
  expect(lines).toHaveLength(2);
});

test('holds no more than it may, and sends what it holds when it is closed', async (t) => {
  const { lines, spans, startCollector, queue } = await open(t, 100);
  const collector = await startCollector();
  spans(300);
  expect(lines).toHaveLength(1);
  await queue.shutdown();
  // A batch left at once, and made room for as many.
  expect(collector.spans).toHaveLength(110);
});
