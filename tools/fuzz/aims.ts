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
import { createValues, toText, type ValueOptions } from './values.ts';

/** Lists the kinds of requests to send for a contract. */
export function listAims(contract: Contract, things: Things): Aim[] {
  const values = createValues(contract);
  const paths = new Set<string>();
  return contract.operations.flatMap((operation) => {
    const aims = aimsOf(operation);
    if (!paths.has(operation.path)) aims.push(...otherMethods(operation));
    paths.add(operation.path);
    return aims;
  });

  function aimsOf(operation: Operation): Aim[] {
    const { method, parameters, body } = operation;
    const known: ValueOptions = {
      kindsOf: (schema, parameter) => things.kindsOf(operation, schema, parameter),
    };
    const arbitrary: ValueOptions = { kindsOf: () => [] };
    const base = partsOf(operation, values, known);
    const aims: Aim[] = [];
    const isCreating = method === 'POST' && things.kindOf(operation.path) === undefined;
    function add(name: string, changes: Partial<Parts>, more: Partial<Aim> = {}): void {
      const draft = fc.record({ ...base, ...changes }) as fc.Arbitrary<Draft>;
      aims.push({ name, operation, share: 1, draft, expects: 'contract', ...more });
    }

    // Create more things than are deleted, so that some exist.
    add('a valid request', {}, { share: isCreating ? 8 : method === 'DELETE' ? 2 : 3, expects: 'success' });
    add('odd headers', {
      headers: fc
        .tuple(base.headers, fc.constantFrom(...oddHeaders))
        .map(([own, odd]) => ({ ...odd, ...own })),
    });
    add('an odd query', { tail: fc.constantFrom(...oddTails) });
    add(
      'a URL that is not UTF-8',
      { tail: fc.constantFrom(...unreadable).map((text) => `&x=${text}`) },
      { expects: 'rejection' },
    );

    const inPath = parameters.filter((parameter) => parameter.in === 'path');
    if (inPath.length > 0) {
      const unknown = partsOf(operation, values, arbitrary).path;
      const each = fc.nat().map((index) => ({ target: 'each', index }) as const);
      add('an unknown path', { of: each, path: unknown });
      add('a path with one unknown part', {
        of: each,
        path: fc.tuple(base.path, unknown, fc.nat()).map(([one, other, index]) => {
          const { name } = inPath[index % inPath.length] as Parameter;
          return { ...one, [name]: other[name] };
        }),
      });
      add('a deleted thing', { of: fc.nat().map((index) => ({ target: 'deleted', index }) as const) });
    }
    for (const location of ['path', 'query', 'headers'] as const) {
      const ofLocation = parameters.filter((one) => (one.in === 'header' ? 'headers' : one.in) === location);
      for (const { name, schema } of ofLocation) {
        const text = fc.oneof(fc.constantFrom(...oddIds, ...oddTexts), values.invalid(schema, arbitrary));
        const isSendable = (value: unknown) => location !== 'headers' || isHeader(toText(value));
        const bad = text.filter(
          (value) => isSendable(value) && (location !== 'path' || isSegment(toText(value))),
        );
        // In a path an array is one string; in a query it is several values or none.
        const sent = location === 'path' ? bad.map(toText) : bad;
        const spoilt = fc.tuple(base[location], sent).map(([good, value]) => ({ ...good, [name]: value }));
        add(`a bad ${name}`, {
          [location]: spoilt,
          ...(location === 'path' && { of: fc.constant({ target: 'each', index: 0 } as const) }),
        });
      }
    }

    if (body === undefined) {
      const form = fc.constantFrom(json, ...otherTypes);
      const empty = { spoil: fc.constant(() => Buffer.alloc(0)), contentType: form };
      if (method !== 'GET' && method !== 'HEAD')
        add('an empty body of any type', empty, { expects: 'success' });
      const needless = { body: fc.jsonValue(), spoil: fc.constantFrom(undefined, ...spoils) };
      add('an unnecessary body', { ...needless, contentType: form }, { expects: 'anything documented' });
      return aims;
    }
    add('an invalid body', { body: values.invalid(body.schema, known) }, { share: 2 });
    if (refersToThings(body.schema)) {
      add('unknown things in the body', { body: values.valid(body.schema, arbitrary) });
      add('a body with the longest arrays', {
        body: values.valid(body.schema, { ...arbitrary, isLargest: true }),
      });
    }
    const rejected = { expects: 'rejection' } as const;
    add('a body that is not JSON', { spoil: fc.constantFrom(...spoils) }, rejected);
    add('a body that is not UTF-8', { spoil: fc.constant(spoilUtf8) }, rejected);
    add('a body of another type', { contentType: fc.constantFrom(...otherTypes) }, rejected);
    add(
      'a body that is too large',
      {
        spoil: fc
          .integer({ min: 2 ** 17, max: 2 ** 20 })
          .map((size) => (text: string) => Buffer.from(text.padEnd(size))),
      },
      rejected,
    );
    return aims;

    /** Returns whether a property of a body, or an item of one, may be the id of a thing. */
    function refersToThings(schema: Schema): boolean {
      const own = Object.values(contract.resolve(schema).properties ?? {}).map(contract.resolve);
      const items = own.flatMap((one) => (one.items === undefined ? [] : [contract.resolve(one.items)]));
      return [...own, ...items].some((one) => known.kindsOf(one).length > 0);
    }
  }

  /** Lists the methods of a path that the contract does not have and HTTP does not imply. */
  function otherMethods(operation: Operation): Aim[] {
    const documented = contract.operations
      .filter(({ path }) => covers(path, operation.path))
      .map(({ method }) => method);
    const implied = documented.includes('GET') ? [...documented, 'HEAD'] : documented;
    const base = partsOf(operation, values, {
      kindsOf: (schema, parameter) => things.kindsOf(operation, schema, parameter),
    });
    const nothing = { headers: fc.constant({}), query: fc.constant({}), body: fc.constant(undefined) };
    return allMethods
      .filter((method) => !implied.includes(method))
      .map((method) => {
        const draft = fc.record({ ...base, ...nothing, method: fc.constant(method) }) as fc.Arbitrary<Draft>;
        return {
          name: 'an undocumented method',
          operation,
          share: 1,
          draft,
          expects: 'method rejected',
        };
      });
  }
}

/** Returns whether requests to `path` may reach `template`: `/sessions/{id}` has the methods of `/sessions/current` too. */
function covers(template: string, path: string): boolean {
  const own = path.split('/');
  const parts = template.split('/');
  return (
    parts.length === own.length && parts.every((part, index) => part === own[index] || part.startsWith('{'))
  );
}
