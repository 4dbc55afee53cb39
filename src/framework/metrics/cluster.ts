import type { Worker } from 'node:cluster';
import type { InstanceCounts } from './instance-counts.ts';

/**
 * The metrics of several instances that share a port. A scrape comes to any of them, and must find the same numbers at
 * each: the one that is asked asks the parent process, and that all of them. Each series says whose it is (`worker`),
 * so where an instance is replaced its counters begin anew by themselves, as Prometheus expects of a restart; a sum
 * made here would fall, and be taken for one.
 */
export interface MetricsLink {
  /** The metrics of all instances. */
  gather(): Promise<string>;
  /** Makes this instance send its own metrics when the parent asks. */
  tell(render: () => Promise<string>): void;
}

/** The messages between parent and instances. */
type Message =
  | { readonly metrics: 'wanted'; readonly id: number }
  | { readonly metrics: 'own?'; readonly id: number }
  | { readonly metrics: 'own'; readonly id: number; readonly text: string }
  | { readonly metrics: 'all'; readonly id: number; readonly texts: readonly string[] };

/** How long an instance may take to tell its own, in ms. If it takes longer, its last numbers count. */
const patience = 1_000;

/** The side of an instance. */
export function linkMetrics(parent: Pick<NodeJS.Process, 'on' | 'send'>): MetricsLink {
  const waiting = new Map<number, (texts: readonly string[]) => void>();
  let own = async () => '';
  let last = 0;
  const send = (message: Message) => void parent.send?.(message);
  parent.on('message', (message: Message) => {
    if (message.metrics !== 'all') return;
    waiting.get(message.id)?.(message.texts);
  });
  return {
    async gather() {
      const id = ++last;
      const texts = await new Promise<readonly string[] | undefined>((resolve) => {
        const timer = setTimeout(resolve, 3 * patience, undefined);
        waiting.set(id, (texts) => {
          clearTimeout(timer);
          resolve(texts);
        });
        send({ metrics: 'wanted', id });
      });
      waiting.delete(id);
      // A parent that hangs: this instance can speak for itself alone.
      return texts === undefined ? own() : mergeExpositions(texts);
    },
    tell(render) {
      own = render;
      parent.on('message', async (message: Message) => {
        if (message.metrics === 'own?') send({ metrics: 'own', id: message.id, text: await render() });
      });
    },
  };
}

/** The side of the parent process; `workers` are the instances that listen now, by number. */
export function relayMetrics(workers: ReadonlyMap<number, Worker>, counts: InstanceCounts) {
  const latest = new Map<number, string>();
  const waiting = new Map<number, (text: string) => void>();
  let last = 0;

  /** Resolves with whether the instance responded in time. */
  function ask(slot: number, worker: Worker): Promise<boolean> {
    if (!worker.isConnected()) return Promise.resolve(false);
    const id = ++last;
    return new Promise((resolve) => {
      const timer = setTimeout(end, patience, false);
      function end(hasAnswered: boolean): void {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(hasAnswered);
      }
      waiting.set(id, (text) => {
        latest.set(slot, text);
        end(true);
      });
      worker.send({ metrics: 'own?', id } satisfies Message, (error) => error && end(false));
    });
  }

  /** Listens to an instance, for as long as it lives. */
  return function listen(asker: Worker): void {
    asker.on('message', async (message: Message) => {
      if (message.metrics === 'own') waiting.get(message.id)?.(message.text);
      if (message.metrics !== 'wanted') return;
      const answers = await Promise.all([...workers].map(([slot, worker]) => ask(slot, worker)));
      counts.unresponsive = answers.filter((hasAnswered) => !hasAnswered).length;
      // The metrics of a stopped instance are not those of its successor.
      for (const slot of latest.keys()) if (!workers.has(slot)) latest.delete(slot);
      const { id } = message;
      const texts = [...latest.values(), counts.render()];
      if (asker.isConnected()) asker.send({ metrics: 'all', id, texts } satisfies Message, () => {});
    });
  };
}

/** Of texts with the same metrics one, in which each metric stands once, as the format demands. */
export function mergeExpositions(texts: readonly string[]): string {
  const families = new Map<string, string[]>();
  for (const block of texts.flatMap((text) => text.trimEnd().split('\n\n'))) {
    const [help, type, ...samples] = block.split('\n');
    const head = `${help}\n${type}`;
    families.set(head, [...(families.get(head) ?? []), ...samples]);
  }
  return [...families].map(([head, samples]) => `${[head, ...samples].join('\n')}\n`).join('\n');
}
