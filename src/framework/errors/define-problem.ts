import { STATUS_CODES } from '../context/node-http.ts';
import { ref } from '../openapi/schema.ts';
import { Problem, ProblemSchema, problemMediaType, retryHeaders } from './problem.ts';

/**
 * A kind of problem. Call it to create the error; list it in the `errors` of each route that responds with it, so that
 * the documents show it.
 */
export interface ProblemDefinition {
  (options?: ErrorOptions & { readonly detail?: string }): Problem;
  readonly status: number;
  readonly type: string;
  readonly detail: string;
}

/**
 * Defines a kind of problem: `defineProblem(404, 'pet-not-found', 'Pet not found')`.
 * @param name the problem type is `urn:problem-type:<name>`.
 * @param detail the default `detail` of the response.
 */
export function defineProblem(status: number, name: string, detail: string): ProblemDefinition {
  return define(status, `urn:problem-type:${name}`, detail);
}

function define(status: number, type: string, detail: string): ProblemDefinition {
  // RFC 9110, section 15.5.2: a 401 has a challenge.
  const headers = status === 401 ? { 'www-authenticate': 'Bearer' } : retryHeaders(status);
  return Object.assign(
    ({ detail: message = detail, ...options }: Parameters<ProblemDefinition>[0] = {}) =>
      new Problem(status, message, { ...options, type, headers }),
    { status, type, detail },
  );
}

/** The problems of a route that calls a peer. List them in its `errors`. */
export const peerProblems: readonly ProblemDefinition[] = [
  define(503, 'about:blank', 'The server is busy'),
  define(504, 'about:blank', 'No complete response arrived in time'),
];

/**
 * Returns a value that exists: `found(await pets.find(id), petNotFound)`.
 * @throws {Problem} if it is undefined, null or false.
 */
export function found<Value>(
  value: Value,
  problem: ProblemDefinition,
): Exclude<Value, undefined | null | false> {
  if (value === undefined || value === null || value === false) throw problem();
  return value as Exclude<Value, undefined | null | false>;
}

/**
 * Returns the response to a delete: `ok(await pets.remove(id), petNotFound)`.
 * @throws {Problem} if nothing was deleted.
 */
export function ok(isDone: boolean, problem: ProblemDefinition): { ok: true } {
  if (!isDone) throw problem();
  return { ok: true };
}

/**
 * Describes the response of a route for problems of one status. The example is the first problem; `x-problem-types` lists
 * the types of all if there are several.
 * @param instance the path in the example.
 */
export function describeProblems(
  description: string,
  definitions: readonly Pick<ProblemDefinition, 'status' | 'type' | 'detail'>[],
  instance: string,
) {
  const { status = 500, type, detail } = definitions[0] ?? {};
  const example = { type, title: STATUS_CODES[status] ?? 'Error', status, detail, instance };
  const types = [...new Set(definitions.map((one) => one.type))];
  const list = types.length > 1 ? { 'x-problem-types': types } : {};
  return { description, content: { [problemMediaType]: { schema: ref(ProblemSchema), example, ...list } } };
}
