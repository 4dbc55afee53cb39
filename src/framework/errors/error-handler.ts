import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from '../context/node-http.ts';
import { pathOf } from '../context/url.ts';
import type { ProblemDefinition } from './define-problem.ts';
import { DefinitionError } from './definition-error.ts';
import {
  Problem,
  problemMediaType,
  rejections,
  UnprocessableEntity,
  type ValidationIssue,
} from './problem.ts';
import { reasonOf } from './reason.ts';

/** Converts any error to the problem that the client receives. */
export function toClientProblem(error: unknown, requestId: string): Problem {
  if (error instanceof Problem) return error;
  const { validation, validationContext, statusCode, code } = Object(error) as Partial<FastifyError>;
  if (validation !== undefined) return new UnprocessableEntity(toIssues(validation, validationContext));
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const headers = statusCode === 415 ? { accept: 'application/json' } : {};
    // Fastify's own errors are mistakes of the client. The log has those of libraries, because the handler may not expect them.
    const cause = String(code).startsWith('FST_') ? undefined : error;
    return new Problem(statusCode, rejections[statusCode] ?? STATUS_CODES[statusCode] ?? 'Rejected', {
      headers,
      cause,
    });
  }
  return new Problem(500, `Request ${requestId} failed`, { cause: error });
}

/** Returns the body of the response for a problem. */
export function problemBody(problem: Problem, path: string): string {
  return JSON.stringify({
    type: problem.type,
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    instance: toInstance(path),
    errors: problem.errors,
    ...problem.extra,
  });
}

/** Prepares the body of a problem that differs only in the path of the request. The rest is rendered once. */
export function prepareProblemBody(problem: Problem): (path: string) => string {
  const begin = problemBody(problem, '').slice(0, -'""}'.length);
  return (path) => `${begin}${JSON.stringify(toInstance(path))}}`;
}

/** Removes the query, which may hold secrets. Encodes characters that HTTP accepts in a path and RFC 3986 does not. */
function toInstance(path: string): string {
  return pathOf(path).replace(/%(?![\da-f]{2})|["<>[\\\]^`{|}]/gi, encodeURIComponent);
}

/** Handles every error of Fastify: responds with a problem, and logs the error unless the client caused it. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const problem = toClientProblem(error, request.id);
  if (problem.status === 500) logDefect(error, request);
  else if (problem.cause !== undefined) logCause(problem, request);
  removeHeadersOfSuccess(reply);
  reply.code(problem.status).headers(problem.headers).header('content-type', problemMediaType);
  return reply.send(problemBody(problem, request.url));
}

/** Headers about the response that a handler was preparing when it failed. */
const ofSuccess = new Set([
  ...['cache-control', 'etag', 'expires', 'last-modified', 'link', 'location'],
  ...['content-disposition', 'content-encoding', 'content-language', 'content-range'],
]);
/** Characters that Node does not send in a header. */
const unsendable = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Removes headers that do not belong to a problem, because a cache would keep the problem, or a client could not read it.
 * `no-store` stays.
 */
function removeHeadersOfSuccess(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    const isOfSuccess = ofSuccess.has(name) && value !== 'no-store';
    if (isOfSuccess || unsendable.test(String(value))) reply.removeHeader(name);
  }
}

/**
 * Logs a defect with its stack. Not by `getLogger`: a forwarded request can fail in the context of another one, whose
 * connection it uses.
 */
function logDefect(error: unknown, request: FastifyRequest): void {
  const { log, method, routeOptions } = request;
  const err = typeof error === 'function' ? explainFunction(error, request) : error;
  log.error({ err, method, route: routeOptions.url }, 'request failed');
}

/** Explains `throw petNotFound`, which the compiler accepts. The log would show the source of the function. */
function explainFunction(thrown: object, { method, routeOptions, server }: FastifyRequest): unknown {
  const { type } = thrown as Partial<ProblemDefinition>;
  const service = server.serviceName;
  const subject = `${service}: ${method} ${routeOptions.url?.replace(`/${service}`, '')}`;
  const what = type === undefined ? 'a function' : `the definition of ${type}`;
  return new DefinitionError(`${subject} threw ${what}: call it, as in throw petNotFound()`);
}

/** Logs one short entry without a stack, because an outage of another system affects many requests. */
function logCause({ status, message: detail, cause }: Problem, { log }: FastifyRequest): void {
  log.warn({ status, detail, reason: reasonOf(cause) }, 'request could not be served');
  log.debug({ err: cause }, 'why the request could not be served');
}

type AjvErrors = NonNullable<FastifyError['validation']>;

const locations = { body: 'body', params: 'path', querystring: 'query', headers: 'header' } as const;

function toIssues(errors: AjvErrors, context: FastifyError['validationContext']): ValidationIssue[] {
  const location = locations[(context ?? 'body') as keyof typeof locations] ?? 'body';
  return errors.map(({ instancePath, keyword, params, message }) => {
    if (keyword === 'required') {
      const name = String(params.missingProperty).replaceAll('~', '~0').replaceAll('/', '~1');
      return { in: location, pointer: `${instancePath}/${name}`, detail: 'is missing' };
    }
    if (keyword === 'type') {
      const detail = `must be ${[params.type].flat().join(' or ')}`;
      return { in: location, pointer: instancePath, detail };
    }
    return { in: location, pointer: instancePath, detail: message ?? 'is invalid' };
  });
}
