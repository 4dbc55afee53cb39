import { randomUUID } from 'node:crypto';
import { type Contract, json } from './document.ts';
import type { Aim, Draft } from './draft.ts';
import { isValidParameter } from './parameter.ts';
import { usedOnce } from './recipes.ts';
import type { Thing, Things } from './things.ts';
import { type Known, putIn, toText } from './values.ts';
import type { Sent } from './wire.ts';

/** A request, and whether it matches the contract. */
export interface Request {
  readonly sent: Sent;
  /** The values of the path parameters. */
  readonly values: Thing;
  /** The path without the query. */
  readonly path: string;
  /** Whether it matches the contract. */
  readonly isValid: boolean;
  /** Whether all things that it names are known to exist. */
  readonly isSettled: boolean;
}

/** Creates a request from a draft and the things that exist now. */
export function buildRequest(contract: Contract, things: Things, { operation }: Aim, draft: Draft): Request {
  const { parameters, body, cursor, path: template } = operation;
  let isSettled = true;
  // A body may have thousands of references of one kind.
  const listIds = memoize(things.listIds);
  const settle = (value: unknown) =>
    putIn(value, ({ kinds, index, otherwise }: Known) => {
      const certain = listIds(kinds);
      if (certain.length === 0) isSettled = false;
      const ids = certain.length > 0 ? certain : listIds([kinds[index % kinds.length] as string]);
      const found = ids[index % ids.length];
      return found === undefined ? otherwise : typeof otherwise === 'number' ? Number(found) : found;
    });

  const path = settlePath();
  const query = settle(draft.query) as Record<string, unknown>;
  const headers = renew(settle(draft.headers) as Record<string, unknown>);
  const value = settle(draft.body);

  const given = { path, query, header: headers };
  const hasValidParameters = parameters.every((parameter) => {
    const one = given[parameter.in][parameter.name];
    const texts = toTexts(one);
    if (parameter.name === cursor) return texts.length === 0;
    return texts.length === 0 ? !parameter.required : isValidParameter(contract, parameter, texts);
  });
  const text = value === undefined ? undefined : toJson(value, draft.isEscaped);
  const isValidBody =
    body === undefined || (text === undefined ? !body.required : body.accepts(JSON.parse(text)));
  const bytes = draft.spoil?.(text ?? '') ?? (text === undefined ? undefined : Buffer.from(text));

  const names = [...template.matchAll(/\{([^}]+)\}/g)].map(([, found]) => found as string);
  const values = names.map((found) => toTexts(path[found])[0] ?? '');
  const plain = template.replace(/\{([^}]+)\}/g, (_, found) =>
    encodeURIComponent(toTexts(path[found])[0] ?? ''),
  );
  const search = Object.entries(query).flatMap(([key, one]) =>
    toTexts(one).map((each) => `${encode(key)}=${encode(each)}`),
  );
  const tail = search.length === 0 ? draft.tail.replace(/^&/, '?') : draft.tail;
  const type = draft.contentType ?? json;
  const sent: Sent = {
    method: draft.method ?? operation.method,
    path: `${plain}${search.length > 0 ? '?' : ''}${search.join('&')}${tail}`,
    headers: {
      ...Object.fromEntries(
        Object.entries(headers).flatMap(([key, one]) => {
          const texts = toTexts(one);
          return texts.length === 0 ? [] : [[key, texts.join()]];
        }),
      ),
      ...(bytes !== undefined && { 'content-type': type }),
    },
    body: bytes,
  };
  return { sent, values, path: plain, isValid: hasValidParameters && isValidBody, isSettled };

  /** Gives valid headers that identify one request a new value. */
  function renew(given: Record<string, unknown>): Record<string, unknown> {
    const renewed = parameters.filter(
      (parameter) =>
        parameter.in === 'header' &&
        usedOnce.includes(parameter.name) &&
        given[parameter.name] !== undefined &&
        isValidParameter(contract, parameter, toTexts(given[parameter.name])),
    );
    return { ...given, ...Object.fromEntries(renewed.map(({ name }) => [name, `"${randomUUID()}"`])) };
  }

  /** Returns the path of one thing, or separate values for each parameter. */
  function settlePath(): Record<string, unknown> {
    const own = settle(draft.path) as Record<string, unknown>;
    const kind = things.kindOf(template);
    const { target, index } = draft.of;
    if (kind === undefined || target === 'each') return own;
    // An operation that creates a thing at its path needs no existing thing.
    const creates = template === kind && ['PUT', 'POST'].includes(operation.method);
    const thing =
      target === 'deleted' ? things.pickDeleted(kind, index) : creates ? undefined : things.pick(kind, index);
    if (thing === undefined) {
      if (target === 'live' && !creates) isSettled = false;
      return own;
    }
    isSettled = true;
    const names = [...kind.matchAll(/\{([^}]+)\}/g)].map(([, found]) => found as string);
    return { ...own, ...Object.fromEntries(names.map((found, position) => [found, thing[position]])) };
  }
}

/** Remembers the ids by kinds. */
function memoize(list: Things['listIds']): Things['listIds'] {
  const lists = new Map<string, string[]>();
  return (kinds) => {
    const key = kinds.join();
    const known = lists.get(key) ?? list(kinds);
    lists.set(key, known);
    return known;
  };
}

/** Converts a value to strings for a path, a query or a header. Each item of an array is one string. */
function toTexts(value: unknown): string[] {
  return value === undefined ? [] : [value].flat().map(toText);
}

function toJson(value: unknown, isEscaped: boolean): string {
  const text = JSON.stringify(value);
  if (!isEscaped) return text;
  return text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const encode = (text: string) => encodeURIComponent(text);
