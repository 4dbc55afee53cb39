import type { Finding } from './findings.ts';
import type { Schema, SchemaDocument } from './schema-document.ts';

/** Remembers the result for each pair of a sender's and a receiver's schema, because schemas may be recursive. */
export class KnownPairs {
  readonly #sender: SchemaDocument;
  readonly #receiver: SchemaDocument;
  /** Pairs whose inclusion is proven, or follows from the pairs that are being compared. */
  readonly #assumed = new Set<string>();
  /** Pairs whose inclusion is not proven, with the first finding. Its location is relative to the pair. */
  readonly #failed = new Map<string, Finding>();
  readonly #ids = new Map<Schema, number>();

  constructor(sender: SchemaDocument, receiver: SchemaDocument) {
    this.#sender = sender;
    this.#receiver = receiver;
  }

  /** Returns the findings of a pair at `location`. While `prove` compares a new pair, the pair is assumed to hold. */
  compare(location: string, sent: readonly Schema[], accepted: Schema, prove: () => Finding[]): Finding[] {
    const pair = this.#nameOf(sent, accepted);
    if (this.#assumed.has(pair)) return [];
    const known = this.#failed.get(pair);
    if (known !== undefined) return [{ ...known, location: `${location}${known.location}` }];
    const mark = this.#assumed.size;
    this.#assumed.add(pair);
    const findings = prove();
    const [first] = findings;
    if (first !== undefined) {
      this.#forget(mark);
      this.#failed.set(pair, { ...first, location: first.location.slice(location.length) });
    }
    return findings;
  }

  /** Names a pair by its schemas, with references followed. */
  #nameOf(sent: readonly Schema[], accepted: Schema): string {
    const ids = new Set(sent.map((schema) => this.#idOf(this.#sender.follow(schema))));
    return `${[...ids].sort().join('&')} ${this.#idOf(this.#receiver.follow(accepted))}`;
  }

  #idOf(schema: Schema): number {
    const known = this.#ids.get(schema);
    if (known !== undefined) return known;
    this.#ids.set(schema, this.#ids.size);
    return this.#ids.size - 1;
  }

  /** Removes the pairs that were assumed since `mark`, because they followed from a pair that does not hold. */
  #forget(mark: number): void {
    for (const pair of [...this.#assumed].slice(mark)) this.#assumed.delete(pair);
  }
}
