import {
  type Alternative,
  admitsType,
  closing,
  collect,
  flatten,
  listAlternatives,
  listOf,
} from './alternatives.ts';
import { compareArray, compareObject, findUnread } from './containers.ts';
import { isDisjoint } from './disjoint.ts';
import {
  type Direction,
  type Finding,
  rejectAlternative,
  rejectPresence,
  summarize,
  uncomparable,
} from './findings.ts';
import { listUnruled } from './keywords.ts';
import { KnownPairs } from './known-pairs.ts';
import { compareNumber, compareString } from './scalars.ts';
import {
  isSame,
  isSameKeyword,
  type Schema,
  type SchemaDocument,
  type SchemaObject,
  Uncomparable,
} from './schema-document.ts';

const maxSteps = 50_000;
const maxDepth = 200;

/**
 * Proves that everything that a sender's schema accepts is accepted by a receiver's. The rules follow the structure
 * of both: what they cannot prove is a finding, so a finding may be too careful, and no finding is a proof.
 */
export class Inclusion {
  readonly #direction: Direction;
  readonly #sender: SchemaDocument;
  readonly #receiver: SchemaDocument;
  readonly #pairs: KnownPairs;
  #steps = 0;
  #depth = 0;

  constructor(direction: Direction, sender: SchemaDocument, receiver: SchemaDocument) {
    this.#direction = direction;
    this.#sender = sender;
    this.#receiver = receiver;
    this.#pairs = new KnownPairs(sender, receiver);
  }

  /** Returns what `sent` may send at `place` and `accepted` does not accept. Empty if it accepts everything. */
  compare(place: string, sent: Schema, accepted: Schema): Finding[] {
    return this.#compareAll(place, [sent], accepted);
  }

  #compareAll = (place: string, sent: readonly Schema[], accepted: Schema): Finding[] => {
    try {
      return this.#pairs.compare(place, sent, accepted, () =>
        summarize(this.#direction, this.#prove(place, sent, accepted)),
      );
    } catch (error) {
      if (!(error instanceof Uncomparable)) throw error;
      return [uncomparable(place, error.message)];
    }
  };

  #prove(place: string, sent: readonly Schema[], accepted: Schema): Finding[] {
    this.#steps += 1;
    this.#depth += 1;
    try {
      if (this.#steps > maxSteps) throw new Uncomparable('the schemas are too large');
      if (this.#depth > maxDepth) throw new Uncomparable('the schemas are nested too deeply');
      if (sent.some((schema) => this.#isSame(schema, accepted))) return [];
      const alternatives = listAlternatives(this.#sender, sent);
      if (accepted === false && alternatives.length > 0) return [rejectPresence(this.#direction, place)];
      return alternatives.flatMap((one) => this.#compareAlternative(place, one, accepted, []));
    } finally {
      this.#depth -= 1;
    }
  }

  /** `around` are receiver's schemas of the same value beside `accepted`, and those that lead to it. */
  #compareAlternative(
    place: string,
    sent: Alternative,
    accepted: Schema,
    around: readonly SchemaObject[],
  ): Finding[] {
    if (sent.value !== undefined) {
      const isAccepted = this.#receiver.accepts(accepted, sent.value.is);
      return isAccepted ? [] : [rejectAlternative(this.#direction, place, sent)];
    }
    const { nodes, unions, isNever } = flatten(this.#receiver, [accepted]);
    if (isNever) return [rejectAlternative(this.#direction, place, sent)];
    const fresh = nodes.filter((node) => !around.includes(node));
    if (fresh.length === 0 && nodes.length > 0) return [uncomparable(place, 'a schema leads to itself')];
    const all = [...around, ...nodes];
    const findings = nodes
      .filter((node) => !sent.nodes.some((own) => this.#isSame(own, node)))
      .flatMap((node) => this.#compareNode(place, sent, node, all));
    if (unions.length === 0) findings.push(...findUnread(this.#direction, place, sent, all));
    return findings;
  }

  /** One schema of the receiver's, by its own keywords. */
  #compareNode(
    place: string,
    sent: Alternative,
    node: SchemaObject,
    around: readonly SchemaObject[],
  ): Finding[] {
    const { type } = sent;
    if (!admitsType(node, type) || 'const' in node || Array.isArray(node.enum)) {
      return [rejectAlternative(this.#direction, place, sent, admitsType(node, type))];
    }
    const findings = this.#compareUnions(place, sent, node, around);
    const direction = this.#direction;
    if (type === 'number' || type === 'integer')
      findings.push(...compareNumber(direction, place, sent, node));
    if (type === 'string') findings.push(...compareString(direction, place, sent, node));
    if (type === 'array') findings.push(...compareArray(direction, place, sent, node, this.#compareAll));
    if (type === 'object') {
      findings.push(...compareObject(direction, place, sent, node, this.#compareAll));
      findings.push(...this.#compareUnevaluated(place, sent, node));
    }
    const isExcluded =
      node.not === undefined ||
      isDisjoint(this.#sender, this.#receiver, sent, node.not as Schema) ||
      this.#shares(sent, node, ['not']);
    if (!isExcluded) findings.push(uncomparable(place, 'not'));
    for (const group of listUnruled(node)) {
      if (!this.#shares(sent, node, group)) findings.push(uncomparable(place, group[0] as string));
    }
    return findings;
  }

  #compareUnions(
    place: string,
    sent: Alternative,
    node: SchemaObject,
    around: readonly SchemaObject[],
  ): Finding[] {
    return ['anyOf', 'oneOf'].flatMap((keyword) => {
      const branches = listOf(node[keyword]);
      if (branches.length === 0 || this.#shares(sent, node, [keyword])) return [];
      const others = ['anyOf', 'oneOf']
        .filter((other) => other !== keyword)
        .flatMap((key) => listOf(node[key]));
      const beside = [...around, ...collect(this.#receiver, others)];
      const attempts = branches.map((branch) => ({
        branch,
        findings: this.#compareAlternative(place, sent, branch, beside),
      }));
      const taken = attempts.find(({ findings }) => findings.length === 0);
      if (taken === undefined)
        return this.#closest(
          place,
          sent,
          attempts.map(({ findings }) => findings),
        );
      if (keyword === 'anyOf') return [];
      const isAlone = branches.every(
        (other) => other === taken.branch || isDisjoint(this.#sender, this.#receiver, sent, other),
      );
      return isAlone ? [] : [uncomparable(place, 'oneOf')];
    });
  }

  /** Of several branches that do not accept an alternative: what keeps the most similar one from it. */
  #closest(place: string, sent: Alternative, attempts: readonly Finding[][]): Finding[] {
    const similar = attempts.filter((findings) => !findings.some((one) => one.odd && one.place === place));
    const [closest] = similar.sort((one, other) => one.length - other.length);
    const another = attempts.flat().find((one) => one.place === place && one.odd?.startsWith('another '));
    return closest ?? [another ?? rejectAlternative(this.#direction, place, sent)];
  }

  #compareUnevaluated(place: string, sent: Alternative, node: SchemaObject): Finding[] {
    if (node.unevaluatedProperties === undefined) return [];
    // With a choice, it depends on the value what is evaluated.
    const hasChoice = flatten(this.#receiver, [node]).unions.length > 0;
    const closed = hasChoice ? undefined : closing(this.#receiver, [node]);
    if (closed === undefined) return [uncomparable(place, 'unevaluatedProperties')];
    return compareObject(this.#direction, place, sent, closed, this.#compareAll);
  }

  /** Whether a schema that holds of what is sent says the same by these keywords. */
  #shares(sent: Alternative, node: SchemaObject, keywords: readonly string[]): boolean {
    const documents = [this.#sender, this.#receiver] as const;
    return sent.nodes.some((own) =>
      keywords.every((keyword) => isSameKeyword(documents, keyword, own, node)),
    );
  }

  #isSame(sent: Schema, accepted: Schema): boolean {
    return isSame([this.#sender, this.#receiver], sent, accepted);
  }
}
