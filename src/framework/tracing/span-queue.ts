import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import { runInContext } from '../context/context.ts';
import { reasonOf } from '../errors/reason.ts';
import type { Logger } from '../logging/logger.ts';

interface SpanQueueOptions {
  /** The maximum number of spans that wait for their export. The queue drops further spans. */
  readonly maxWaiting: number;
  /** The address of the collector, for log entries. */
  readonly url: string;
  readonly log: Logger;
  readonly exporter: SpanExporter;
}

/**
 * Bounds the number of spans that wait for their export. It logs once when spans are lost and once when exports succeed
 * again, regardless of the number of failed batches.
 * @param createBatches creates the processor that exports spans in batches by the given exporter.
 */
export function queueSpans(
  { maxWaiting, url, log, exporter }: SpanQueueOptions,
  createBatches: (observed: SpanExporter) => SpanProcessor,
): SpanProcessor {
  let waiting = 0;
  let lost = 0;

  const batches = createBatches({
    export(spans, done) {
      waiting -= spans.length;
      // The first span of a batch starts its timer, and the export must not run in the context of that request.
      runInContext(undefined, () =>
        exporter.export(spans, (result) => {
          if (result.error !== undefined || result.code !== 0) lose(spans.length, result.error);
          else if (lost > 0 && waiting < maxWaiting / 2) recover();
          done(result);
        }),
      );
    },
    shutdown: () => exporter.shutdown(),
  });

  function lose(count: number, err?: Error): void {
    if (lost === 0) {
      const why = err && { error: err.message, reason: reasonOf(err) };
      log.warn({ url, ...why }, 'spans are lost: the collector does not accept them');
    }
    lost += count;
  }

  function recover(): void {
    log.info({ url, lost }, 'the collector accepts spans again');
    lost = 0;
  }

  return {
    onStart() {},
    onEnd(span: ReadableSpan) {
      if (waiting >= maxWaiting) return lose(1);
      waiting += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}
