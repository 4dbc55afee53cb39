import fc from 'fast-check';
import { json, type Operation, type Parameter, type Schema } from './document.ts';
import { Known, toText, type ValueOptions, type Values } from './values.ts';

/** A request that does not depend on earlier responses: it has references to things instead of ids. */
export interface Draft {
  /** The thing whose path is used. With `each`, or if no such thing exists, `path` is used instead. */
  readonly of: { readonly target: 'live' | 'deleted' | 'each'; readonly index: number };
  readonly path: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Appended to the URL unchanged. */
  readonly tail: string;
  readonly body: unknown;
  /** Whether the strings of the body are written as `\uXXXX`. */
  readonly isEscaped: boolean;
  /** Changes the text of the body. */
  readonly spoil: ((text: string) => Buffer) | undefined;
  readonly contentType: string | undefined;
  /** Replaces the method of the operation. */
  readonly method: string | undefined;
}

/** A kind of request to one operation, with the expected result. */
export interface Aim {
  readonly name: string;
  readonly operation: Operation;
  /** The number of these requests in one round. */
  readonly share: number;
  readonly draft: fc.Arbitrary<Draft>;
  /** `contract`: the result depends on whether the request is valid. `success` is not required, but counted. */
  readonly expects: 'contract' | 'success' | 'rejection' | 'method rejected' | 'anything documented';
}

export type Parts = ReturnType<typeof partsOf>;

/** Returns generators for the parts of a valid request. */
export function partsOf({ parameters, body, cursor }: Operation, values: Values, options: ValueOptions) {
  function record(location: Parameter['in']): fc.Arbitrary<Record<string, unknown>> {
    const own = parameters.filter(({ in: place, name }) => place === location && name !== cursor);
    const requiredKeys = own
      .filter(({ required }) => required || location === 'path')
      .map(({ name }) => name);
    const made = own.map(({ name, schema }) => {
      const kindsOf: typeof options.kindsOf = (one) =>
        options.kindsOf(one, location === 'path' ? name : undefined);
      const value = values.valid(shorten(location, name, schema), { ...options, kindsOf });
      const isSendable = (text: string) =>
        location === 'path' ? isSegment(text) : location !== 'header' || isHeader(text);
      return [
        name,
        value.filter((one) => one instanceof Known || Array.isArray(one) || isSendable(toText(one))),
      ] as const;
    });
    return fc.record(Object.fromEntries(made), { requiredKeys }) as fc.Arbitrary<Record<string, unknown>>;
  }
  const nothing = fc.constant(undefined);
  const content: fc.Arbitrary<unknown> = body === undefined ? nothing : values.valid(body.schema, options);
  return {
    of: fc.record({ target: fc.constant<Draft['of']['target']>('live'), index: fc.nat() }) as fc.Arbitrary<
      Draft['of']
    >,
    path: record('path'),
    query: record('query'),
    headers: record('header'),
    tail: fc.constant('') as fc.Arbitrary<string>,
    body: content,
    isEscaped: fc.boolean(),
    spoil: nothing as fc.Arbitrary<Draft['spoil']>,
    contentType: fc.constantFrom<string | undefined>(undefined, json, `${json}; charset=utf-8`),
    method: nothing as fc.Arbitrary<string | undefined>,
  };
}

/** Narrows a parameter: the contract has no limit for the length of a URL, and a poll waits for as long as `timeout` says. */
function shorten(place: string, name: string, schema: Schema): Schema {
  const { minLength = 0, maxLength = 20 } = schema;
  // Shorter texts in a query leave room for the longest list.
  if (place !== 'header' && schema.enum === undefined)
    schema = { ...schema, maxLength: Math.max(minLength, Math.min(maxLength, 20)) };
  return name === 'timeout' ? { ...schema, maximum: 20 } : schema;
}

/** Returns whether a text can be one segment of a path, of usual length. */
export function isSegment(text: string): boolean {
  return !['', '.', '..'].includes(text) && text.isWellFormed() && encodeURIComponent(text).length <= 100;
}

/** Returns whether a text can be the value of a header. */
export function isHeader(text: string): boolean {
  return /^[!-~]+$/.test(text);
}
