import fc from 'fast-check';
import { type Contract, json, type Operation, type Parameter, type Schema } from './document.ts';
import { type Aim, type Draft, isHeader, isSegment, type Parts, partsOf } from './draft.ts';
import {
  allMethods,
  oddHeaders,
  oddIds,
  oddTails,
  oddTexts,
  otherTypes,
  spoils,
  spoilUtf8,
  unreadable,
} from './odd.ts';
import type { Things } from './things.ts';
import { createValues, toText, type ValueOptions, type Values } from './values.ts';

/** An operation with generators for the parts of a valid request. */
interface Target {
  readonly operation: Operation;
  readonly base: Parts;
  readonly values: Values;
  /** Puts known things in the place of ids. */
  readonly known: ValueOptions;
}

/** Puts arbitrary values in the place of ids. */
const arbitrary: ValueOptions = { kindsOf: () => [] };

/** Lists the kinds of requests to send for a contract. */
export function listAims(contract: Contract, things: Things): Aim[] {
  const values = createValues(contract);
  const paths = new Set<string>();
  return contract.operations.flatMap((operation) => {
    const known: ValueOptions = {
      kindsOf: (schema, parameter) => things.kindsOf(operation, schema, parameter),
    };
    const target = { operation, base: partsOf(operation, values, known), values, known };
    const { method, path, body } = operation;
    const isCreating = method === 'POST' && things.kindOf(path) === undefined;
    // Create more things than are deleted, so that some exist.
    const share = isCreating ? 8 : method === 'DELETE' ? 2 : 3;
    const aims = [
      aimAt(target, 'a valid request', {}, { share, expects: 'success' }),
      ...listOddAims(target),
      ...listPathAims(target),
      ...listParameterAims(target),
      ...(body === undefined ? listAimsWithoutBody(target) : listBodyAims(target, body.schema, contract)),
    ];
    if (!paths.has(path)) aims.push(...listMethodAims(target, contract));
    paths.add(path);
    return aims;
  });
}

/** Returns an aim whose requests differ from valid ones in some parts. */
function aimAt(
  { operation, base }: Target,
  name: string,
  changes: Partial<Parts>,
  more: Partial<Aim> = {},
): Aim {
  const draft = fc.record({ ...base, ...changes }) as fc.Arbitrary<Draft>;
  return { name, operation, share: 1, draft, expects: 'contract', ...more };
}

function listOddAims(target: Target): Aim[] {
  const headers = fc
    .tuple(target.base.headers, fc.constantFrom(...oddHeaders))
    .map(([own, odd]) => ({ ...odd, ...own }));
  const tail = fc.constantFrom(...unreadable).map((text) => `&x=${text}`);
  return [
    aimAt(target, 'odd headers', { headers }),
    aimAt(target, 'an odd query', { tail: fc.constantFrom(...oddTails) }),
    aimAt(target, 'a URL that is not UTF-8', { tail }, { expects: 'rejection' }),
  ];
}

function listPathAims(target: Target): Aim[] {
  const { operation, base, values } = target;
  const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
  if (inPath.length === 0) return [];
  const unknown = partsOf(operation, values, arbitrary).path;
  const each = fc.nat().map((index) => ({ target: 'each', index }) as const);
  const deleted = fc.nat().map((index) => ({ target: 'deleted', index }) as const);
  const oneUnknown = fc.tuple(base.path, unknown, fc.nat()).map(([one, other, index]) => {
    const { name } = inPath[index % inPath.length] as Parameter;
    return { ...one, [name]: other[name] };
  });
  return [
    aimAt(target, 'an unknown path', { of: each, path: unknown }),
    aimAt(target, 'a path with one unknown part', { of: each, path: oneUnknown }),
    aimAt(target, 'a deleted thing', { of: deleted }),
  ];
}

/** Lists requests with one bad parameter. */
function listParameterAims(target: Target): Aim[] {
  const { operation, base, values } = target;
  return (['path', 'query', 'headers'] as const).flatMap((location) => {
    const isThere = (one: Parameter) => (one.in === 'header' ? 'headers' : one.in) === location;
    return operation.parameters.filter(isThere).map(({ name, schema }) => {
      const text = fc.oneof(fc.constantFrom(...oddIds, ...oddTexts), values.invalid(schema, arbitrary));
      const isSendable = (value: unknown) => location !== 'headers' || isHeader(toText(value));
      const bad = text.filter(
        (value) => isSendable(value) && (location !== 'path' || isSegment(toText(value))),
      );
      // In a path an array is one string; in a query it is several values or none.
      const sent = location === 'path' ? bad.map(toText) : bad;
      const spoilt = fc.tuple(base[location], sent).map(([good, value]) => ({ ...good, [name]: value }));
      return aimAt(target, `a bad ${name}`, {
        [location]: spoilt,
        ...(location === 'path' && { of: fc.constant({ target: 'each', index: 0 } as const) }),
      });
    });
  });
}

function listAimsWithoutBody(target: Target): Aim[] {
  const { method } = target.operation;
  const contentType = fc.constantFrom(json, ...otherTypes);
  const empty = { spoil: fc.constant(() => Buffer.alloc(0)), contentType };
  const needless = { body: fc.jsonValue(), spoil: fc.constantFrom(undefined, ...spoils), contentType };
  return [
    ...(method === 'GET' || method === 'HEAD'
      ? []
      : [aimAt(target, 'an empty body of any type', empty, { expects: 'success' })]),
    aimAt(target, 'an unnecessary body', needless, { expects: 'anything documented' }),
  ];
}

function listBodyAims(target: Target, schema: Schema, { resolve }: Contract): Aim[] {
  const { values, known } = target;
  const unknown = values.valid(schema, arbitrary);
  const longest = values.valid(schema, { ...arbitrary, isLargest: true });
  const rejected = { expects: 'rejection' } as const;
  const tooLarge = fc
    .integer({ min: 2 ** 17, max: 2 ** 20 })
    .map((size) => (text: string) => Buffer.from(text.padEnd(size)));
  return [
    aimAt(target, 'an invalid body', { body: values.invalid(schema, known) }, { share: 2 }),
    ...(refersToThings()
      ? [
          aimAt(target, 'unknown things in the body', { body: unknown }),
          aimAt(target, 'a body with the longest arrays', { body: longest }),
        ]
      : []),
    aimAt(target, 'a body that is not JSON', { spoil: fc.constantFrom(...spoils) }, rejected),
    aimAt(target, 'a body that is not UTF-8', { spoil: fc.constant(spoilUtf8) }, rejected),
    aimAt(target, 'a body of another type', { contentType: fc.constantFrom(...otherTypes) }, rejected),
    aimAt(target, 'a body that is too large', { spoil: tooLarge }, rejected),
  ];

  /** Returns whether a property of the body, or an item of one, may be the id of a thing. */
  function refersToThings(): boolean {
    const own = Object.values(resolve(schema).properties ?? {}).map(resolve);
    const items = own.flatMap((one) => (one.items === undefined ? [] : [resolve(one.items)]));
    return [...own, ...items].some((one) => known.kindsOf(one).length > 0);
  }
}

/** Lists requests with the methods of a path that the contract does not have and HTTP does not imply. */
function listMethodAims(target: Target, { operations }: Contract): Aim[] {
  const documented = operations
    .filter(({ path }) => covers(path, target.operation.path))
    .map(({ method }) => method);
  const implied = documented.includes('GET') ? [...documented, 'HEAD'] : documented;
  const nothing = { headers: fc.constant({}), query: fc.constant({}), body: fc.constant(undefined) };
  return allMethods
    .filter((method) => !implied.includes(method))
    .map((method) =>
      aimAt(
        target,
        'an undocumented method',
        { ...nothing, method: fc.constant(method) },
        { expects: 'method rejected' },
      ),
    );
}

/** Returns whether requests to `path` may reach `template`: `/sessions/{id}` has the methods of `/sessions/current` too. */
function covers(template: string, path: string): boolean {
  const own = path.split('/');
  const parts = template.split('/');
  return (
    parts.length === own.length && parts.every((part, index) => part === own[index] || part.startsWith('{'))
  );
}
