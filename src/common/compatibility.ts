import type { OpenApiDocument } from './contract.ts';

/** A difference between what an operation promised and what the neighbour says now, that breaks its callers. */
export interface Break {
  /** As in `GET /pet/pets/`. */
  readonly operation: string;
  /** Where: `answer[].mood`, `query.ids`, `body.name`; '' for the operation itself. */
  readonly field: string;
  readonly reason: string;
}

/** One operation that a service uses, and the query parameters that it sends, where it says; else all. */
export interface Use {
  readonly method: string;
  readonly path: string;
  readonly sends?: readonly string[] | undefined;
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly maxItems?: number;
}
interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}
interface Body {
  readonly $ref?: string;
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses?: Readonly<Record<string, Body>>;
}

const json = 'application/json';

/**
 * What in `live`, the neighbour's document of now, breaks a caller who holds to `promised`. For answers: a promised
 * field is gone, may be missing, or has another type. For inputs: one is newly required, or one that is sent is no
 * longer taken. Anything else (a field more, a summary, another operation) breaks nothing and is not named.
 */
export function findBreaks(
  promised: OpenApiDocument,
  live: OpenApiDocument,
  { method, path, sends }: Use,
): Break[] {
  const operation = `${method.toUpperCase()} ${path}`;
  const before = promised.paths[path]?.[method] as Operation | undefined;
  const now = live.paths[path]?.[method] as Operation | undefined;
  const breaks: Break[] = [];
  const add = (field: string, reason: string) => breaks.push({ operation, field, reason });
  if (before === undefined) return breaks;
  if (now === undefined) {
    add('', 'the operation is gone');
    return breaks;
  }
  const old = resolver(promised);
  const current = resolver(live);
  compareAnswers();
  compareParameters();
  compareBodies();
  return breaks;

  function compareAnswers(): void {
    for (const status of Object.keys(before?.responses ?? {}).filter((code) => code.startsWith('2'))) {
      const promise = old(before?.responses?.[status]);
      const answer = current(now?.responses?.[status]);
      if (answer === undefined) add('answer', `the status ${status} is gone`);
      else compareAnswer('answer', promise?.content?.[json]?.schema, answer.content?.[json]?.schema);
    }
  }

  function compareAnswer(place: string, oldSchema: Schema | undefined, newSchema: Schema | undefined): void {
    const promise = old(oldSchema);
    const answer = current(newSchema);
    if (promise === undefined) return;
    if (answer === undefined) return void add(place, 'it is gone');
    const more = typesOf(answer).filter((type) => !accepts(typesOf(promise), type));
    if (more.length > 0 || (typesOf(answer).length === 0 && typesOf(promise).length > 0)) {
      return void add(place, `its type is ${list(typesOf(answer))}, no longer ${list(typesOf(promise))}`);
    }
    const odd =
      promise.enum && (answer.enum ?? ['anything']).filter((value) => !promise.enum?.includes(value));
    if (odd !== undefined && odd.length > 0) add(place, `it may be ${list(odd)}`);
    if (promise.items !== undefined) compareAnswer(`${place}[]`, promise.items, answer.items);
    for (const [name, schema] of Object.entries(promise.properties ?? {})) {
      const field = `${place}.${name}`;
      if (answer.properties?.[name] === undefined) add(field, 'it is gone');
      else if (promise.required?.includes(name) && !answer.required?.includes(name))
        add(field, 'it may be missing');
      else compareAnswer(field, schema, answer.properties[name]);
    }
  }

  function compareParameters(): void {
    const oldOnes = (before?.parameters ?? []).map((parameter) => old(parameter) as Parameter);
    const newOnes = (now?.parameters ?? []).map((parameter) => current(parameter) as Parameter);
    const key = ({ in: place, name }: Parameter) => `${place}.${name}`;
    const isSent = ({ in: place, name }: Parameter) => place !== 'query' || (sends?.includes(name) ?? true);
    for (const parameter of newOnes.filter(({ required }) => required)) {
      const known = oldOnes.find((other) => key(other) === key(parameter));
      if (known === undefined || !(known.required || (sends?.includes(known.name) ?? false))) {
        add(key(parameter), 'it is newly required');
      }
    }
    for (const parameter of oldOnes.filter(isSent)) {
      const other = newOnes.find((one) => key(one) === key(parameter));
      if (other === undefined) add(key(parameter), 'it is no longer taken');
      else compareInput(key(parameter), parameter.schema, other.schema);
    }
  }

  function compareBodies(): void {
    const oldBody = old(before?.requestBody);
    const newBody = current(now?.requestBody);
    if (oldBody === undefined && newBody?.required) return void add('body', 'it is newly required');
    if (oldBody === undefined) return;
    if (newBody === undefined) return void add('body', 'it is no longer taken');
    compareInput('body', oldBody.content?.[json]?.schema, newBody.content?.[json]?.schema);
  }

  function compareInput(place: string, oldSchema: Schema | undefined, newSchema: Schema | undefined): void {
    const sent = old(oldSchema);
    const taken = current(newSchema);
    if (sent === undefined) return;
    if (taken === undefined) return void add(place, 'it is no longer taken');
    const fewer = typesOf(taken).length > 0 && typesOf(sent).filter((type) => !accepts(typesOf(taken), type));
    if (fewer !== false && fewer.length > 0) return void add(place, `${list(fewer)} is no longer taken`);
    if ((taken.maxItems ?? Infinity) < (sent.maxItems ?? Infinity)) {
      add(place, `at most ${taken.maxItems} items are taken, no longer ${sent.maxItems ?? 'any number'}`);
    }
    if (sent.items !== undefined) compareInput(`${place}[]`, sent.items, taken.items);
    for (const name of taken.required ?? []) {
      if (!sent.required?.includes(name)) add(`${place}.${name}`, 'it is newly required');
    }
    for (const [name, schema] of Object.entries(sent.properties ?? {})) {
      const field = `${place}.${name}`;
      if (taken.properties?.[name] === undefined) add(field, 'it is no longer taken');
      else compareInput(field, schema, taken.properties[name]);
    }
  }
}

function typesOf({ type }: Schema): readonly string[] {
  return type === undefined ? [] : [type].flat();
}

function accepts(types: readonly string[], type: string): boolean {
  return types.length === 0 || types.includes(type) || (type === 'integer' && types.includes('number'));
}

function list(values: readonly unknown[]): string {
  return values.length === 0 ? 'anything' : values.join(' or ');
}

/** Follows references within a document, to their end. */
function resolver(document: OpenApiDocument) {
  return function resolve<Node extends { readonly $ref?: string }>(node: Node | undefined): Node | undefined {
    let found = node;
    for (let steps = 0; found?.$ref?.startsWith('#/') && steps < 16; steps += 1) {
      const tokens = found.$ref.slice(2).split('/');
      found = tokens.reduce<unknown>(
        (place, token) =>
          (place as Record<string, unknown> | undefined)?.[token.replaceAll('~1', '/').replaceAll('~0', '~')],
        document,
      ) as Node | undefined;
    }
    return found;
  };
}
