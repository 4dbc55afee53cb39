import fc from 'fast-check';
import { type Contract, json, type Operation, type Parameter } from './document.ts';
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
import { createValues, namesThings, toText, type ValueOptions } from './values.ts';

/** Every kind of request that the contract gives reason to try. */
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
    const known: ValueOptions = { kindNamed: (name) => things.kindNamed(name, operation) };
    const arbitrary: ValueOptions = { kindNamed: () => undefined };
    const base = partsOf(operation, values, known);
    const aims: Aim[] = [];
    const isMaking = method === 'POST' && things.kindOf(operation.path) === undefined;
    function add(name: string, changes: Partial<Parts>, more: Partial<Aim> = {}): void {
      const draft = fc.record({ ...base, ...changes }) as fc.Arbitrary<Draft>;
      aims.push({ name, operation, share: 1, draft, expects: 'contract', ...more });
    }

    // More is made than deleted, so that there is something.
    add('what fits', {}, { share: isMaking ? 8 : method === 'DELETE' ? 2 : 3, expects: 'success' });
    add('odd headers', {
      headers: fc
        .tuple(base.headers, fc.constantFrom(...oddHeaders))
        .map(([own, odd]) => ({ ...odd, ...own })),
    });
    add('an odd query', { tail: fc.constantFrom(...oddTails) });
    add(
      'a URL that is not UTF-8',
      { tail: fc.constantFrom(...unreadable).map((text) => `&x=${text}`) },
      { expects: 'refusal' },
    );

    const inPath = parameters.filter((parameter) => parameter.in === 'path');
    if (inPath.length > 0) {
      const unknown = partsOf(operation, values, arbitrary).path;
      const each = fc.nat().map((index) => ({ what: 'each', index }) as const);
      add('an unknown path', { of: each, path: unknown });
      add('a path of which one part is unknown', {
        of: each,
        path: fc.tuple(base.path, unknown, fc.nat()).map(([one, other, index]) => {
          const { name } = inPath[index % inPath.length] as Parameter;
          return { ...one, [name]: other[name] };
        }),
      });
      add('what is gone', { of: fc.nat().map((index) => ({ what: 'gone', index }) as const) });
    }
    for (const place of ['path', 'query', 'headers'] as const) {
      const own = parameters.filter((one) => (one.in === 'header' ? 'headers' : one.in) === place);
      for (const { name, schema } of own) {
        const text = fc.oneof(
          fc.constantFrom(...oddIds, ...oddTexts),
          values.unfitting(schema, name, arbitrary),
        );
        const isSendable = (value: unknown) => place !== 'headers' || isHeader(toText(value));
        const bad = text.filter(
          (value) => isSendable(value) && (place !== 'path' || isSegment(toText(value))),
        );
        // In a path an array is one text like any other; in a query it is several, or none.
        const sent = place === 'path' ? bad.map(toText) : bad;
        const spoilt = fc.tuple(base[place], sent).map(([good, value]) => ({ ...good, [name]: value }));
        add(`a bad ${name}`, {
          [place]: spoilt,
          ...(place === 'path' && { of: fc.constant({ what: 'each', index: 0 } as const) }),
        });
      }
    }

    if (body === undefined) {
      const form = fc.constantFrom(json, ...otherTypes);
      const empty = { spoil: fc.constant(() => Buffer.alloc(0)), contentType: form };
      if (method !== 'GET' && method !== 'HEAD')
        add('an empty body of any type', empty, { expects: 'success' });
      const needless = { body: fc.jsonValue(), spoil: fc.constantFrom(undefined, ...spoils) };
      add('a body that nobody needs', { ...needless, contentType: form }, { expects: 'anything documented' });
      return aims;
    }
    add('a body that does not fit', { body: values.unfitting(body.schema, '', known) }, { share: 2 });
    if (namesThings(body.schema, contract.resolve)) {
      add('unknown things in the body', { body: values.fitting(body.schema, '', arbitrary) });
      add('as much in the body as fits', {
        body: values.fitting(body.schema, '', { ...arbitrary, isLargest: true }),
      });
    }
    const refused = { expects: 'refusal' } as const;
    add('a body that is no JSON', { spoil: fc.constantFrom(...spoils) }, refused);
    add('a body that is not UTF-8', { spoil: fc.constant(spoilUtf8) }, refused);
    add('a body of another type', { contentType: fc.constantFrom(...otherTypes) }, refused);
    add(
      'a body that is too large',
      {
        spoil: fc
          .integer({ min: 2 ** 17, max: 2 ** 20 })
          .map((size) => (text: string) => Buffer.from(text.padEnd(size))),
      },
      refused,
    );
    return aims;
  }

  /** Each method that the contract does not have for a path, and that HTTP does not imply. */
  function otherMethods(operation: Operation): Aim[] {
    const own = contract.operations.filter(({ path }) => path === operation.path).map(({ method }) => method);
    const taken = own.includes('GET') ? [...own, 'HEAD'] : own;
    const base = partsOf(operation, values, { kindNamed: (name) => things.kindNamed(name, operation) });
    const nothing = { headers: fc.constant({}), query: fc.constant({}), body: fc.constant(undefined) };
    return allMethods
      .filter((method) => !taken.includes(method))
      .map((method) => {
        const draft = fc.record({ ...base, ...nothing, method: fc.constant(method) }) as fc.Arbitrary<Draft>;
        return {
          name: 'a method that it does not have',
          operation,
          share: 1,
          draft,
          expects: 'method refused',
        };
      });
  }
}
