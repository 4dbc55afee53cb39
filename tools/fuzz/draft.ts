import fc from 'fast-check';
import { json, type Operation, type Parameter } from './document.ts';
import { Known, toText, type ValueOptions, type Values } from './values.ts';

/** A request before it is known what there is: the same one whatever the server has answered so far. */
export interface Draft {
  /** Which thing of its kind the path is of; where there is none, and for `each`, what stands in `path`. */
  readonly of: { readonly what: 'live' | 'gone' | 'each'; readonly index: number };
  readonly path: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  /** What is appended to the URL as it stands. */
  readonly tail: string;
  readonly body: unknown;
  /** Every character of the body's texts as `\uXXXX`. */
  readonly isEscaped: boolean;
  /** What becomes of the body's text. */
  readonly spoil: ((text: string) => Buffer) | undefined;
  readonly contentType: string | undefined;
  /** Instead of the operation's own. */
  readonly method: string | undefined;
}

/** A kind of request to one operation, and what is expected of every one of them. */
export interface Aim {
  readonly name: string;
  readonly operation: Operation;
  /** How many of it there are in one round. */
  readonly share: number;
  readonly draft: fc.Arbitrary<Draft>;
  /** `contract`: what the contract says of what was sent, whether it fits or not. Of `success` it is counted how often. */
  readonly expects: 'contract' | 'success' | 'refusal' | 'method refused' | 'anything documented';
}

export type Parts = ReturnType<typeof partsOf>;

/** What a request that fits is made of. */
export function partsOf({ parameters, body }: Operation, values: Values, options: ValueOptions) {
  function record(place: Parameter['in']): fc.Arbitrary<Record<string, unknown>> {
    const own = parameters.filter((parameter) => parameter.in === place);
    const requiredKeys = own.filter(({ required }) => required || place === 'path').map(({ name }) => name);
    const made = own.map(({ name, schema }) => {
      // How long a URL may be is not in the contract.
      const short =
        place === 'path' ? { ...schema, maxLength: Math.min(schema.maxLength ?? 20, 20) } : schema;
      const value = values.fitting(short, name, options);
      const isSendable = (text: string) =>
        place === 'path' ? isSegment(text) : place !== 'header' || isHeader(text);
      return [
        name,
        value.filter((one) => one instanceof Known || Array.isArray(one) || isSendable(toText(one))),
      ] as const;
    });
    return fc.record(Object.fromEntries(made), { requiredKeys }) as fc.Arbitrary<Record<string, unknown>>;
  }
  const nothing = fc.constant(undefined);
  const fit: fc.Arbitrary<unknown> = body === undefined ? nothing : values.fitting(body.schema, '', options);
  return {
    of: fc.record({ what: fc.constant<Draft['of']['what']>('live'), index: fc.nat() }) as fc.Arbitrary<
      Draft['of']
    >,
    path: record('path'),
    query: record('query'),
    headers: record('header'),
    tail: fc.constant('') as fc.Arbitrary<string>,
    body: fit,
    isEscaped: fc.boolean(),
    spoil: nothing as fc.Arbitrary<Draft['spoil']>,
    contentType: fc.constantFrom<string | undefined>(undefined, json, `${json}; charset=utf-8`),
    method: nothing as fc.Arbitrary<string | undefined>,
  };
}

/** Whether a text can stand in a path and be one whole segment of it, of no more than a usual length. */
export function isSegment(text: string): boolean {
  return !['', '.', '..'].includes(text) && text.isWellFormed() && encodeURIComponent(text).length <= 100;
}

/** Whether a text can be the value of a header. */
export function isHeader(text: string): boolean {
  return /^[!-~]+$/.test(text);
}
