/** The metrics of the parent of several instances. */
export class InstanceCounts {
  /** Instances that ended by themselves, did not start, or were killed because they did not respond. */
  readonly failures = { died: 0, start: 0, hung: 0 };
  /** Connections that were closed because their instance ended before it accepted them. */
  dropped = 0;
  /** Instances that did not respond to the last scrape in time. */
  unresponsive = 0;
  readonly #label: string;
  readonly #configured: number;
  readonly #listening: { readonly size: number };

  constructor(label: string, configured: number, listening: { readonly size: number }) {
    this.#label = label;
    this.#configured = configured;
    this.#listening = listening;
  }

  /** Renders the metrics in the text format of Prometheus. */
  render(): string {
    const service = `service="${this.#label}"`;
    const family = (name: string, help: string, type: string, samples: readonly string[]) =>
      `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('\n')}\n`;
    const gauge = (name: string, help: string, value: number) =>
      family(name, help, 'gauge', [`${name}{${service}} ${value}`]);
    return [
      gauge('instances_configured', 'Instances that the config asks for.', this.#configured),
      gauge('instances_listening', 'Instances that listen.', this.#listening.size),
      gauge(
        'instances_unresponsive',
        'Instances that did not respond to this scrape in time.',
        this.unresponsive,
      ),
      family(
        'instance_failures_total',
        'Instances that ended by themselves (died), did not start (start) or were killed because they did not respond (hung).',
        'counter',
        Object.entries(this.failures).map(
          ([reason, value]) => `instance_failures_total{${service},reason="${reason}"} ${value}`,
        ),
      ),
      family(
        'instance_connections_dropped_total',
        'Connections that were closed because their instance ended before it accepted them.',
        'counter',
        [`instance_connections_dropped_total{${service}} ${this.dropped}`],
      ),
    ].join('\n');
  }
}
