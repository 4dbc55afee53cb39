import type { FastifySchema } from 'fastify';
import { Problem, problems } from '../errors/problem.ts';
import { bounds } from './key-store.ts';

/**
 * An sf-string (RFC 8941): visible ASCII and spaces in double quotes. It also accepts a UUID or similar value without
 * quotes, because most clients send that, such as Stripe's. Ambiguous values do not match: two joined headers, parameters,
 * a missing quote.
 */
const keyForm = /^(?:"((?:[ !#-[\]-~]|\\["\\]){1,255})"|([!#-+\--:<-[\]-~]{1,255}))$/;

/**
 * Reads the value of an Idempotency-Key header.
 * @throws {Problem} 400 if it is malformed.
 */
export function readKey(value: string): string {
  const [, quoted, bare] = keyForm.exec(value) ?? [];
  const key = bare ?? quoted?.replace(/\\(.)/g, '$1');
  if (key !== undefined) return key;
  const detail = 'The Idempotency-Key must be 1 to 255 visible ASCII characters in double quotes';
  throw new Problem(400, detail, { type: 'urn:problem-type:idempotency-key-malformed' });
}

const { keys, responses, responseBytes } = bounds;
const description = `Makes it safe to send the request again: for 24 hours the same key and request have one effect and get \
the same response, with \`idempotent-replayed: true\`. A request that changed nothing is not kept: a retry runs again. A \
response over ${responseBytes} bytes, or older than the newest ${responses} of the service, is not kept: a retry computes it again \
from the current state, without a second effect. The service keeps the newest ${keys} keys. 1 to 255 visible ASCII characters in \
double quotes, such as a UUID; the quotes may be left out. 409: the original request is still in progress. 422: the key was \
used for a different request. 400: the key cannot be read`;
// No example, because Swagger UI would send it as the key of every request.
const schema = {
  type: 'string',
  pattern: keyForm.source,
  minLength: 1,
  maxLength: 512,
  description,
};

/** Adds the key of a POST, and the errors that it may cause, to the schema of a route. */
export function describeKey(route: FastifySchema, method: string | string[]): FastifySchema {
  if (![method].flat().includes('POST') || route.secret === true) return route;
  const { headers, response } = route as { headers?: { properties?: object }; response?: object };
  return {
    ...route,
    headers: {
      type: 'object',
      ...headers,
      properties: { ...headers?.properties, 'Idempotency-Key': schema },
    },
    response: { ...problems(400, 409, 422), ...response },
  };
}
