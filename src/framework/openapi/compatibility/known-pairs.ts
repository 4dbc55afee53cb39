import type { Finding } from './findings.ts';
import type { Schema, SchemaDocument } from './schema-document.ts';

/** Remembers of which pairs of a sender's and a receiver's schemas the inclusion holds: schemas may be recursive. */
export class KnownPairs {
  readonly #sender: SchemaDocument;
  readonly #receiver: SchemaDocument;
  /** Pairs that hold, or hold if those that are being compared hold. */
  readonly #assumed = new Set<string>();
  /** Pairs that do not hold, with the first reason, at its place below theirs. */
  readonly #failed = new Map<string, Finding>();
  readonly #ids = new Map<Schema, number>();

  constructor(sender: SchemaDocument, receiver: SchemaDocument) {
    this.#sender = sender;
    this.#receiver = receiver;
  }

  /** The findings of a pair at `place`, from memory or else by `prove`, during which the pair is assumed to hold. */
  compare(place: string, sent: readonly Schema[], accepted: Schema, prove: () => Finding[]): Finding[] {
    const pair = this.#nameOf(sent, accepted);
    if (this.#assumed.has(pair)) return [];
    const known = this.#failed.get(pair);
    if (known !== undefined) return [{ ...known, place: `${place}${known.place}` }];
    const mark = this.#assumed.size;
    this.#assumed.add(pair);
    const findings = prove();
    const [first] = findings;
    if (first !== undefined) {
      this.#forget(mark);
      this.#failed.set(pair, { ...first, place: first.place.slice(place.length) });
    }
    return findings;
  }

  /** A name for a pair, the same whichever reference leads to its schemas. */
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

  /** Takes back what was assumed since then: it followed from something that does not hold. */
  #forget(mark: number): void {
    for (const pair of [...this.#assumed].slice(mark)) this.#assumed.delete(pair);
  }
}
