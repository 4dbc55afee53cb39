import { type Static, Type } from '@sinclair/typebox';
import { STATUS_CODES } from '../context/node-http.ts';
import { ref } from '../openapi/schema.ts';

/** A validation issue: one invalid value of a request. */
const ValidationIssue = Type.Object({
  in: Type.Union([Type.Literal('body'), Type.Literal('path'), Type.Literal('query'), Type.Literal('header')]),
  /** JSON Pointer to the value, RFC 6901. */
  pointer: Type.String(),
  detail: Type.String(),
});
export type ValidationIssue = Static<typeof ValidationIssue>;

/** The body of every error response (RFC 9457). Each service documents it as the schema `Problem`. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ format: 'uri-reference' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    instance: Type.String({ format: 'uri-reference' }),
    errors: Type.Optional(Type.Array(ValidationIssue, { maxItems: 20 })),
  },
  { $id: 'Problem', description: 'An error as in RFC 9457' },
);

export const problemMediaType = 'application/problem+json';

interface ProblemOptions extends ErrorOptions {
  /** A URI for this kind of problem; `about:blank` if the status says enough. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly ValidationIssue[];
  /** Further members of the body. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** An error that becomes a response as in RFC 9457, wherever it is thrown. Its message is the `detail`. */
export class Problem extends Error {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly ValidationIssue[] | undefined;
  readonly extra: Readonly<Record<string, unknown>> | undefined;

  constructor(status: number, detail: string, options: ProblemOptions = {}) {
    super(detail, options);
    this.name = new.target.name;
    this.status = status;
    this.type = options.type ?? 'about:blank';
    this.headers = options.headers ?? {};
    this.errors = options.errors;
    this.extra = options.extra;
  }
}

/** Returns the headers of a problem after which the client may retry. */
export function retryHeaders(status: number): Readonly<Record<string, string>> {
  return status === 503 || status === 504 ? { 'retry-after': '1' } : {};
}

/** 404: the resource does not exist. */
export class NotFound extends Problem {
  constructor(detail: string, type?: string) {
    super(404, detail, type === undefined ? {} : { type });
  }
}

/** 405: the path exists, the method does not. */
export class MethodNotAllowed extends Problem {
  constructor(method: string, allowed: readonly string[]) {
    super(405, `${method} is not among the methods of this path`, { headers: { allow: allowed.join(', ') } });
  }
}

/** 409: a limit is reached, or the request conflicts with the current state. */
export class Conflict extends Problem {
  constructor(detail: string) {
    super(409, detail);
  }
}

/** 422: the request can be read and does not match the contract. */
export class UnprocessableEntity extends Problem {
  constructor(errors: readonly ValidationIssue[]) {
    super(422, 'The request does not match the contract', { errors: errors.slice(0, 20) });
  }
}

/** 429: the client exceeds its rate limit (RFC 6585). It may retry after `seconds`. */
export class TooManyRequests extends Problem {
  constructor(seconds: number) {
    super(429, 'Too many requests from this address', { headers: { 'retry-after': String(seconds) } });
  }
}

/** 503: the request cannot be served now, and nothing was changed. */
export class ServiceUnavailable extends Problem {
  constructor(detail: string, options: Omit<ProblemOptions, 'headers'> = {}) {
    super(503, detail, { ...options, headers: retryHeaders(503) });
  }
}

/** 504: no complete response in time. */
export class GatewayTimeout extends Problem {
  constructor(detail: string, options: Omit<ProblemOptions, 'headers'> = {}) {
    super(504, detail, { ...options, headers: retryHeaders(504) });
  }
}

/** The client has disconnected or received its response, so the server stops work for the request. */
export class RequestEnded extends GatewayTimeout {
  constructor() {
    super('The request has ended');
  }
}

/** 507: the disk is full, and nothing was changed. */
export class InsufficientStorage extends Problem {
  constructor(detail: string, options: Omit<ProblemOptions, 'headers'> = {}) {
    super(507, detail, { ...options, headers: { 'retry-after': '10' } });
  }
}

/** 508: the calls for one request exceed the maximum number of hops, for example in a loop. */
export class LoopDetected extends Problem {
  constructor() {
    super(508, 'Too many calls from service to service for one request');
  }
}

const meanings = {
  400: 'The request cannot be read',
  401: 'The request needs a valid credential',
  403: 'The credential does not permit this',
  404: 'The resource does not exist',
  409: 'A limit is reached, or the request conflicts with the current state',
  410: 'The resource existed before, and is deleted',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'The request does not match the contract',
  429: 'Too many requests from this address (RFC 6585)',
  503: 'The server is overloaded or stopping, or a service that this request needs is unavailable. Nothing was changed. Retry later',
  504: 'A service that this request needs sent no complete response in time. The outcome of a write is unknown',
} as const;

/** Describes a status, or `default`, in the documents. */
export function meaningOf(status: string): string {
  return (meanings as Readonly<Record<string, string>>)[status] ?? 'Any other error';
}

/** The details of requests that Fastify rejects. Fastify's own messages may quote the input. */
export const rejections: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  408: 'The request did not arrive in time',
  413: 'The body is too large',
  414: 'The URL is too long',
  415: 'The body must be application/json in UTF-8',
  431: 'The headers are too large',
};

/** The details of the examples. */
const details: Readonly<Record<number, string>> = {
  ...rejections,
  401: 'A credential is needed',
  403: 'The credential lacks the scope',
  404: 'The resource does not exist',
  409: 'The request conflicts with the current state',
  422: 'The request does not match the contract',
  429: 'Too many requests from this address',
  503: 'The server is busy',
  504: 'No complete response arrived in time',
};

/** The types of the examples. Other examples have none. */
const types: Readonly<Record<number, string>> = { 401: 'credential-missing', 403: 'scope-missing' };

/** Returns an example of the problem at a path, with a status, or with 500 for `default`. */
export function exampleOf(status: string, instance: string) {
  const code = Number(status) || 500;
  return {
    type: types[code] === undefined ? 'about:blank' : `urn:problem-type:${types[code]}`,
    title: STATUS_CODES[code] ?? 'Error',
    status: code,
    detail: details[code] ?? STATUS_CODES[code] ?? 'Error',
    instance,
    ...(code === 422 && { errors: [{ in: 'body', pointer: '/name', detail: 'is missing' }] }),
  };
}

/**
 * Returns error responses for the `response` schema of a route: `...problems(404, 422)`. List neither 429 nor `default`,
 * because the documents have them for every route.
 */
export function problems(...statuses: (keyof typeof meanings)[]) {
  const content = { [problemMediaType]: { schema: ref(ProblemSchema) } };
  return Object.fromEntries(statuses.map((status) => [status, { description: meanings[status], content }]));
}
