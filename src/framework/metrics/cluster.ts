import type { Worker } from 'node:cluster';
import type { InstanceCounts } from './instance-counts.ts';

/**
 * Gathers the metrics of several instances that share a port. A scrape reaches any instance, and each must return the
 * same metrics. So the instance requests them from the parent process, and the parent from every instance.
 *
 * Each series has the label `worker`: the counters of a replaced instance start at 0, as Prometheus expects of a restart.
 * The parent builds no sums, because a replacement would lower them and Prometheus would take that for a restart.
 */
interface MetricsLink {
  /** Returns the metrics of all instances, or of this one if the parent does not respond. */
  gather(): Promise<string>;
  /** Sends the metrics of this instance whenever the parent requests them. */
  publish(render: () => Promise<string>): void;
}

/** A message between the parent and an instance. A response has the id of its request. */
type Message =
  /** An instance requests the metrics of all instances. */
  | { readonly metrics: 'gather'; readonly id: number }
  | { readonly metrics: 'gathered'; readonly id: number; readonly texts: readonly string[] }
  /** The parent requests the metrics of one instance. */
  | { readonly metrics: 'render'; readonly id: number }
  | { readonly metrics: 'rendered'; readonly id: number; readonly text: string };

/** The timeout for the metrics of one instance. After it, the parent uses the last metrics of that instance. */
const responseTimeoutMs = 1_000;

/** Opens the link of an instance to its parent. */
export function linkMetrics(parent: Pick<NodeJS.Process, 'on' | 'send'>): MetricsLink {
  const waiting = new Map<number, (texts: readonly string[]) => void>();
  let renderThis = async () => '';
  let lastId = 0;
  const send = (message: Message) => void parent.send?.(message);
  parent.on('message', (message: Message) => {
    if (message.metrics === 'gathered') waiting.get(message.id)?.(message.texts);
  });
  return {
    async gather() {
      const id = ++lastId;
      const texts = await new Promise<readonly string[] | undefined>((resolve) => {
        const timer = setTimeout(resolve, 3 * responseTimeoutMs, undefined);
        waiting.set(id, (texts) => {
          clearTimeout(timer);
          resolve(texts);
        });
        send({ metrics: 'gather', id });
      });
      waiting.delete(id);
      return texts === undefined ? renderThis() : mergeExpositions(texts);
    },
    publish(render) {
      renderThis = render;
      parent.on('message', async ({ metrics, id }: Message) => {
        if (metrics === 'render') send({ metrics: 'rendered', id, text: await render() });
      });
    },
  };
}

/**
 * Relays metrics between instances, in their parent process.
 * @param workers the instances that listen now, by number.
 * @returns a function that handles the messages of one instance, as long as it lives.
 */
export function relayMetrics(workers: ReadonlyMap<number, Worker>, counts: InstanceCounts) {
  const latest = new Map<number, string>();
  const waiting = new Map<number, (text: string) => void>();
  let lastId = 0;

  /** Requests the metrics of an instance. Resolves with whether it responded in time. */
  function request(slot: number, worker: Worker): Promise<boolean> {
    if (!worker.isConnected()) return Promise.resolve(false);
    const id = ++lastId;
    return new Promise((resolve) => {
      const timer = setTimeout(end, responseTimeoutMs, false);
      function end(hasResponded: boolean): void {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(hasResponded);
      }
      waiting.set(id, (text) => {
        latest.set(slot, text);
        end(true);
      });
      worker.send({ metrics: 'render', id } satisfies Message, (error) => error && end(false));
    });
  }

  return function listen(instance: Worker): void {
    instance.on('message', async (message: Message) => {
      if (message.metrics === 'rendered') waiting.get(message.id)?.(message.text);
      if (message.metrics !== 'gather') return;
      const responses = await Promise.all([...workers].map(([slot, worker]) => request(slot, worker)));
      counts.unresponsive = responses.filter((hasResponded) => !hasResponded).length;
      // Drop the metrics of stopped instances.
      for (const slot of latest.keys()) if (!workers.has(slot)) latest.delete(slot);
      const { id } = message;
      const texts = [...latest.values(), counts.render()];
      if (instance.isConnected())
        instance.send({ metrics: 'gathered', id, texts } satisfies Message, () => {});
    });
  };
}

/** Merges texts with the same metrics. The result has each metric once, as the text format requires. */
export function mergeExpositions(texts: readonly string[]): string {
  const families = new Map<string, string[]>();
  for (const block of texts.flatMap((text) => text.trimEnd().split('\n\n'))) {
    const [help, type, ...samples] = block.split('\n');
    const head = `${help}\n${type}`;
    families.set(head, [...(families.get(head) ?? []), ...samples]);
  }
  return [...families].map(([head, samples]) => `${[head, ...samples].join('\n')}\n`).join('\n');
}
