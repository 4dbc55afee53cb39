import {
  type Alternative,
  admitsType,
  collect,
  flatten,
  listAlternatives,
  listOf,
  translateUnevaluated,
} from './alternatives.ts';
import { compareArray, compareObject, findUnread } from './containers.ts';
import { isDisjoint } from './disjoint.ts';
import {
  type Direction,
  type Finding,
  rejectAlternative,
  rejectPresence,
  reportUncomparable,
  summarize,
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
 * Proves that a receiver's schema accepts every value that a sender's schema accepts. The rules follow the structure of
 * both schemas. Without a finding the inclusion is proven. A finding proves nothing, because the rules are incomplete.
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

  /** Finds values that `sent` accepts and `accepted` does not. Empty if the inclusion is proven. */
  compare(location: string, sent: Schema, accepted: Schema): Finding[] {
    return this.#compareAll(location, [sent], accepted);
  }

  #compareAll = (location: string, sent: readonly Schema[], accepted: Schema): Finding[] => {
    try {
      return this.#pairs.compare(location, sent, accepted, () =>
        summarize(this.#direction, this.#prove(location, sent, accepted)),
      );
    } catch (error) {
      if (!(error instanceof Uncomparable)) throw error;
      return [reportUncomparable(location, error.message)];
    }
  };

  #prove(location: string, sent: readonly Schema[], accepted: Schema): Finding[] {
    this.#steps += 1;
    this.#depth += 1;
    try {
      if (this.#steps > maxSteps) throw new Uncomparable('the schemas are too large');
      if (this.#depth > maxDepth) throw new Uncomparable('the schemas are nested too deeply');
      if (sent.some((schema) => this.#isSame(schema, accepted))) return [];
      const alternatives = listAlternatives(this.#sender, sent);
      if (accepted === false && alternatives.length > 0) return [rejectPresence(this.#direction, location)];
      return alternatives.flatMap((one) => this.#compareAlternative(location, one, accepted, []));
    } finally {
      this.#depth -= 1;
    }
  }

  /** @param around the other schemas of the receiver for the same value, including those that refer to `accepted`. */
  #compareAlternative(
    location: string,
    sent: Alternative,
    accepted: Schema,
    around: readonly SchemaObject[],
  ): Finding[] {
    if (sent.value !== undefined) {
      const isAccepted = this.#receiver.accepts(accepted, sent.value.is);
      return isAccepted ? [] : [rejectAlternative(this.#direction, location, sent)];
    }
    const { nodes, unions, isNever } = flatten(this.#receiver, [accepted]);
    if (isNever) return [rejectAlternative(this.#direction, location, sent)];
    const fresh = nodes.filter((node) => !around.includes(node));
    if (fresh.length === 0 && nodes.length > 0)
      return [reportUncomparable(location, 'a schema refers to itself')];
    const all = [...around, ...nodes];
    const findings = nodes
      .filter((node) => !sent.nodes.some((own) => this.#isSame(own, node)))
      .flatMap((node) => this.#compareNode(location, sent, node, all));
    if (unions.length === 0) findings.push(...findUnread(this.#direction, location, sent, all));
    return findings;
  }

  /** Compares with the keywords of one schema of the receiver. */
  #compareNode(
    location: string,
    sent: Alternative,
    node: SchemaObject,
    around: readonly SchemaObject[],
  ): Finding[] {
    const { type } = sent;
    if (!admitsType(node, type) || 'const' in node || Array.isArray(node.enum)) {
      return [rejectAlternative(this.#direction, location, sent, admitsType(node, type))];
    }
    const findings = this.#compareUnions(location, sent, node, around);
    const direction = this.#direction;
    if (type === 'number' || type === 'integer')
      findings.push(...compareNumber(direction, location, sent, node));
    if (type === 'string') findings.push(...compareString(direction, location, sent, node));
    if (type === 'array') findings.push(...compareArray(direction, location, sent, node, this.#compareAll));
    if (type === 'object') {
      findings.push(...compareObject(direction, location, sent, node, this.#compareAll));
      findings.push(...this.#compareUnevaluated(location, sent, node));
    }
    const isExcluded =
      node.not === undefined ||
      isDisjoint(this.#sender, this.#receiver, sent, node.not as Schema) ||
      this.#shares(sent, node, ['not']);
    if (!isExcluded) findings.push(reportUncomparable(location, 'not'));
    for (const group of listUnruled(node)) {
      if (!this.#shares(sent, node, group)) findings.push(reportUncomparable(location, group[0] as string));
    }
    return findings;
  }

  #compareUnions(
    location: string,
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
        findings: this.#compareAlternative(location, sent, branch, beside),
      }));
      const match = attempts.find(({ findings }) => findings.length === 0);
      if (match === undefined) {
        const all = attempts.map(({ findings }) => findings);
        return this.#explain(location, sent, all);
      }
      if (keyword === 'anyOf') return [];
      const isOnly = branches.every(
        (other) => other === match.branch || isDisjoint(this.#sender, this.#receiver, sent, other),
      );
      return isOnly ? [] : [reportUncomparable(location, 'oneOf')];
    });
  }

  /** Explains why no branch accepts an alternative: returns the findings of the most similar branch. */
  #explain(location: string, sent: Alternative, attempts: readonly Finding[][]): Finding[] {
    const here = (finding: Finding) => (finding.location === location ? finding.rejected : undefined);
    const similar = attempts.filter((findings) => !findings.some(here));
    const [closest] = similar.sort((one, other) => one.length - other.length);
    const another = attempts.flat().find((finding) => here(finding)?.startsWith('another '));
    return closest ?? [another ?? rejectAlternative(this.#direction, location, sent)];
  }

  #compareUnevaluated(location: string, sent: Alternative, node: SchemaObject): Finding[] {
    if (node.unevaluatedProperties === undefined) return [];
    // With a union, the evaluated properties depend on the value.
    const hasUnion = flatten(this.#receiver, [node]).unions.length > 0;
    const closed = hasUnion ? undefined : translateUnevaluated(this.#receiver, [node]);
    if (closed === undefined) return [reportUncomparable(location, 'unevaluatedProperties')];
    return compareObject(this.#direction, location, sent, closed, this.#compareAll);
  }

  /** Whether a schema of the sent values has the same values of these keywords. */
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
