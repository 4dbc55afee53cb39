import { Readable } from 'node:stream';
import type { FastifyReply, FastifySchema } from 'fastify';
import { describeProblems, type ProblemDefinition } from '../errors/define-problem.ts';
import { DefinitionError } from '../errors/definition-error.ts';
import { meaningOf, problems } from '../errors/problem.ts';
import { unsupportedType } from '../http/body-parser.ts';
import type { AddedRoute } from './route-checks.ts';

declare module 'fastify' {
  interface FastifySchema {
    /** The problems that the handler throws. The framework adds problems that follow from the schema. */
    errors?: readonly ProblemDefinition[];
  }
}

/**
 * Completes the schema of a route of a service. Adds the tag of the service, and the responses of its `errors`. Adds 401
 * and 403 for `security`, and 400, 413, 415 and 422 for a body, or 422 for parameters. Rejects a success without a
 * schema, because Fastify would send all members of the value. `completeDocument` adds the responses that all routes
 * share.
 */
export function completeRoute(route: AddedRoute, service: string, getSchema: (id: string) => unknown): void {
  const { schema } = route;
  if (schema === undefined || route.method === 'HEAD') return;
  const { errors = [], ...rest } = schema;
  route.schema = {
    tags: [service],
    ...rest,
    response: {
      ...problems(...impliedStatuses(schema)),
      ...describeMediaTypes(schema, route.url),
      ...describeErrors(errors, route.url),
      ...(schema.response as object | undefined),
    },
  };
  rejectOtherTypes(route);
  if (schema.hide === true) return;
  const declared = (schema.response ?? {}) as Readonly<Record<string, unknown>>;
  const subject = `${service}: ${[route.method].flat().join(',')} ${route.routePath}`;
  rejectUndeclared(subject, route, Object.keys(declared));
  rejectOtherBodies(subject, route, declared, getSchema);
}

function impliedStatuses({ security, body, params, querystring, headers }: FastifySchema) {
  const ofSecurity = (security ?? []).length > 0 ? ([401, 403] as const) : [];
  if (body !== undefined) return [...ofSecurity, 400, 413, 415, 422] as const;
  const hasParameters = params !== undefined || querystring !== undefined || headers !== undefined;
  return hasParameters ? ([...ofSecurity, 422] as const) : ofSecurity;
}

/** Describes 415 of a body whose schema names media types, with the `detail` of the response. */
function describeMediaTypes({ body }: FastifySchema, url: string) {
  const types = listMediaTypes(body);
  if (types === undefined) return {};
  const { status, type, message: detail } = unsupportedType(types);
  const description = `The body is not ${types.join(' or ')}`;
  return { [status]: describeProblems(description, [{ status, type, detail }], exampleUrl(url)) };
}

/** Lists the media types that the schema of a body names. A schema without media types is for JSON. */
function listMediaTypes(body: unknown): readonly string[] | undefined {
  const { content } = Object(body) as { readonly content?: object };
  return content && Object.keys(content);
}

function exampleUrl(url: string): string {
  return url.replace(/:\w+/g, '1');
}

function describeErrors(errors: readonly ProblemDefinition[], url: string) {
  const byStatus = Object.groupBy(errors, ({ status }) => status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, some = []]) => [
      status,
      describeProblems(meaningOf(status), some, exampleUrl(url)),
    ]),
  );
}

/**
 * Rejects a body of a media type that the schema of a route does not name. Fastify would not validate it, and the parser
 * of JSON is there for every route.
 */
function rejectOtherTypes(route: AddedRoute): void {
  const types = listMediaTypes(route.schema?.body);
  if (types === undefined) return;
  route.preValidation = [
    ({ headers }, _reply, done) => {
      const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
      if (types.includes(type.trim().toLowerCase())) return done();
      done(unsupportedType(types));
    },
    ...[route.preValidation ?? []].flat(),
  ];
}

/**
 * Responds with 500, and logs the mistake, if a handler sends a success or a redirect without a schema. It is an `onSend`
 * hook, because Fastify skips `preSerialization` for a response without a body, a text or a stream.
 * @param subject the service and the route, for the log.
 */
function rejectUndeclared(subject: string, route: AddedRoute, declared: readonly string[]): void {
  const isDeclared = (status: string) =>
    [status, `${status[0]}xx`, 'default'].some((one) => declared.includes(one));
  const known = new Set(['200', '201', '202', '203', '204', '206'].filter(isDeclared).map(Number));
  route.onSend = [
    (_request, { statusCode }, payload, done) => {
      if (statusCode >= 400 || known.has(statusCode) || isDeclared(String(statusCode)))
        return done(null, payload);
      closeStream(payload);
      const mistake = `${subject} responds with ${statusCode}, which its schema does not have`;
      done(new DefinitionError(`${mistake}: add ${statusCode} to its response`));
    },
    ...[route.onSend ?? []].flat(),
  ];
}

/** Closes the stream of a payload that is not sent. Its error has no other listener, and would end the process. */
function closeStream(payload: unknown): void {
  const stream = payload instanceof Response ? payload.body : payload;
  if (stream instanceof Readable) stream.on('error', () => {}).destroy();
  else if (stream instanceof ReadableStream) stream.cancel().catch(() => {});
}

/**
 * Responds with 500, and logs the mistake, if the handler of a route resolves with undefined, null or a text and the
 * response is an object or a list. Fastify would send an empty success for undefined, `{}` or `[]` for null, and a text
 * as it is, as `text/plain`.
 */
function rejectOtherBodies(
  subject: string,
  route: AddedRoute,
  declared: Readonly<Record<string, unknown>>,
  resolve: (id: string) => unknown,
): void {
  const typeOf = (schema: unknown): unknown => {
    const { $ref, type } = Object(schema) as { readonly $ref?: unknown; readonly type?: unknown };
    return typeof $ref === 'string' && type === undefined ? typeOf(resolve($ref.replace(/#$/, ''))) : type;
  };
  const withBody = new Set(
    Object.keys(declared).filter(
      (status) => /^2/.test(status) && ['object', 'array'].includes(typeOf(declared[status]) as string),
    ),
  );
  const check = (body: unknown, reply: FastifyReply): unknown => {
    const isText = typeof body === 'string' && !reply.hasHeader('content-type');
    // The handler may have sent the response itself.
    if ((body != null && !isText) || reply.sent || reply.raw.headersSent) return body;
    if (!withBody.has(String(reply.statusCode))) return body;
    const mistake = isText
      ? 'a text: return the value of its response, which is sent as JSON'
      : `${body}: return the body of its response`;
    throw new DefinitionError(`${subject} returned ${mistake}`);
  };
  const { handler } = route;
  route.handler = function (request, reply) {
    const result: unknown = handler.call(this, request, reply);
    if (!(result instanceof Promise)) return typeof result === 'string' ? check(result, reply) : result;
    return result.then((body: unknown) => check(body, reply));
  };
}
