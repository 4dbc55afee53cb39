import { randomUUID } from 'node:crypto';
import { type Contract, json, textsFit } from './document.ts';
import type { Aim, Draft } from './draft.ts';
import { usedOnce } from './recipes.ts';
import type { Thing, Things } from './things.ts';
import { type Known, putIn, toText } from './values.ts';
import type { Sent } from './wire.ts';

/** A request as it is sent, and what the contract says of it. */
export interface Request {
  readonly sent: Sent;
  /** The values of the path's parameters. */
  readonly values: Thing;
  /** Without the query. */
  readonly path: string;
  readonly fits: boolean;
  /** Whether all that it names was there, as far as is known. */
  readonly isSettled: boolean;
}

/** Makes a request of a draft, with what there is at this moment. */
export function buildRequest(contract: Contract, things: Things, { operation }: Aim, draft: Draft): Request {
  const { parameters, body, path: template } = operation;
  let isSettled = true;
  const settle = (value: unknown) =>
    putIn(value, ({ kind, index, otherwise }: Known) => {
      const found = things.pick(kind, index)?.at(-1);
      if (found === undefined) isSettled = false;
      return found === undefined ? otherwise : typeof otherwise === 'number' ? Number(found) : found;
    });

  const path = settlePath();
  const query = settle(draft.query) as Record<string, unknown>;
  const headers = renew(settle(draft.headers) as Record<string, unknown>);
  const value = settle(draft.body);

  const given = { path, query, header: headers };
  const fitting = parameters.every((parameter) => {
    const one = given[parameter.in][parameter.name];
    const texts = toTexts(one);
    return texts.length === 0 ? !parameter.required : textsFit(contract, parameter, texts);
  });
  const text = value === undefined ? undefined : toJson(value, draft.isEscaped);
  const bodyFits = body === undefined || (text === undefined ? !body.required : body.fits(JSON.parse(text)));
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
  return { sent, values, path: plain, fits: fitting && bodyFits, isSettled };

  /** Gives what is used once, and fits, a value that nobody had. */
  function renew(given: Record<string, unknown>): Record<string, unknown> {
    const renewed = parameters.filter(
      (parameter) =>
        parameter.in === 'header' &&
        usedOnce.includes(parameter.name) &&
        given[parameter.name] !== undefined &&
        textsFit(contract, parameter, toTexts(given[parameter.name])),
    );
    return { ...given, ...Object.fromEntries(renewed.map(({ name }) => [name, `"${randomUUID()}"`])) };
  }

  /** The thing's own path, or each part by itself. */
  function settlePath(): Record<string, unknown> {
    const own = settle(draft.path) as Record<string, unknown>;
    const kind = things.kindOf(template);
    const { what, index } = draft.of;
    if (kind === undefined || what === 'each') return own;
    // What makes a thing at its own path does so of what need not be there yet.
    const makes = template === kind && ['PUT', 'POST'].includes(operation.method);
    const thing =
      what === 'gone' ? things.pickGone(kind, index) : makes ? undefined : things.pick(kind, index);
    if (thing === undefined) {
      if (what === 'live' && !makes) isSettled = false;
      return own;
    }
    isSettled = true;
    const names = [...kind.matchAll(/\{([^}]+)\}/g)].map(([, found]) => found as string);
    return { ...own, ...Object.fromEntries(names.map((found, place) => [found, thing[place]])) };
  }
}

/** The texts that a value is in a path, a query or a header; an array is one each. */
function toTexts(value: unknown): string[] {
  return value === undefined ? [] : [value].flat().map(toText);
}

function toJson(value: unknown, isEscaped: boolean): string {
  const text = JSON.stringify(value);
  if (!isEscaped) return text;
  return text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const encode = (text: string) => encodeURIComponent(text);
