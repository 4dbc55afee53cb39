import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import { runInContext } from '../context/context.ts';
import type { Logger } from '../logging/logger.ts';

export interface SpanQueueOptions {
  /** How many may wait to be sent; what comes past them is lost. */
  readonly most: number;
  /** The address of the collector, for log entries. */
  readonly url: string;
  readonly log: Logger;
  readonly exporter: SpanExporter;
}

/**
 * Holds the spans that wait for their export, so many and no more. That spans are lost is one line, as is that no more
 * are, however many batches fail in between.
 * @param createBatches makes what gathers spans in batches, of the exporter that it is to give them to.
 */
export function queueSpans(
  { most, url, log, exporter }: SpanQueueOptions,
  createBatches: (watched: SpanExporter) => SpanProcessor,
): SpanProcessor {
  let waiting = 0;
  let lost = 0;

  const batches = createBatches({
    export(spans, done) {
      waiting -= spans.length;
      // The first that waited set the timer off: an export is not that request's work.
      runInContext(undefined, () =>
        exporter.export(spans, (result) => {
          if (result.error !== undefined || result.code !== 0) lose(spans.length, result.error);
          else if (lost > 0 && waiting < most / 2) recover();
          done(result);
        }),
      );
    },
    shutdown: () => exporter.shutdown(),
  });

  function lose(count: number, err?: Error): void {
    if (lost === 0) log.warn({ url, err }, 'spans are lost: the collector does not take them');
    lost += count;
  }

  function recover(): void {
    log.info({ url, lost }, 'the collector takes spans again');
    lost = 0;
  }

  return {
    onStart() {},
    onEnd(span: ReadableSpan) {
      if (waiting >= most) return lose(1);
      waiting += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}
