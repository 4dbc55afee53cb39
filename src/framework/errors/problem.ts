import { STATUS_CODES } from 'node:http';
import { Type } from '@sinclair/typebox';
import { ref } from '../openapi/schema.ts';

/** A validation issue: one invalid value of a request. */
export interface ValidationIssue {
  readonly in: 'body' | 'path' | 'query' | 'header';
  /** JSON Pointer to the value, RFC 6901. */
  readonly pointer: string;
  readonly detail: string;
}

const FaultSchema = Type.Object({
  in: Type.Union([Type.Literal('body'), Type.Literal('path'), Type.Literal('query'), Type.Literal('header')]),
  pointer: Type.String(),
  detail: Type.String(),
});

/** The body of every response that is not a success (RFC 9457). Each service has it as the schema `Problem`. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ format: 'uri-reference' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    instance: Type.String({ format: 'uri-reference' }),
    errors: Type.Optional(Type.Array(FaultSchema, { maxItems: 20 })),
  },
  {
    $id: 'Problem',
    description: 'An error as in RFC 9457',
  },
);

export const problemMediaType = 'application/problem+json';

interface ProblemOptions extends ErrorOptions {
  /** A URI for this kind of problem; `about:blank` if the status says enough. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly ValidationIssue[];
  /** More members of the body. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** An error for the client. Thrown anywhere, it becomes a response by RFC 9457. Its message is the `detail`. */
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

/** 409: a limit, or a conflict of state. */
export class Conflict extends Problem {
  constructor(detail: string) {
    super(409, detail);
  }
}

/** 422: it was read and does not fit the contract. */
export class UnprocessableEntity extends Problem {
  constructor(errors: readonly ValidationIssue[]) {
    super(422, 'The request does not fit the contract', { errors: errors.slice(0, 20) });
  }
}

/** 429: this client has asked too much, RFC 6585; `seconds` says when it may again. */
export class TooManyRequests extends Problem {
  constructor(seconds: number) {
    super(429, 'Too many requests from this address', { headers: { 'retry-after': String(seconds) } });
  }
}

/** 503: not now, and nothing was changed. */
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

/** The client has disconnected or received its response, so no more work is done for the request. */
export class RequestEnded extends GatewayTimeout {
  constructor() {
    super('The request has ended');
  }
}

/** 507: there is no room to write it; nothing was changed. */
export class InsufficientStorage extends Problem {
  constructor(detail: string, options: Omit<ProblemOptions, 'headers'> = {}) {
    super(507, detail, { ...options, headers: { 'retry-after': '10' } });
  }
}

/** 508: a call went round in circles. */
export class LoopDetected extends Problem {
  constructor() {
    super(508, 'Too many calls from service to service for one request');
  }
}

const meanings = {
  400: 'The request cannot be read',
  404: 'It does not exist',
  409: 'A limit, or a conflict of state',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'The request does not match the contract',
  429: 'Too many requests from this address, RFC 6585',
  503: 'Overloaded, stopping, or a service that this needs is unavailable. Nothing was changed: a retry is right',
  504: 'A service that this needs gave no complete response in time. The outcome of a write is unknown',
} as const;

/** Describes a status, or `default`, in the documents. */
export function meaningOf(status: string): string {
  return (meanings as Readonly<Record<string, string>>)[status] ?? 'Any other error';
}

const details: Readonly<Record<string, string>> = {
  400: 'The request cannot be read',
  404: 'There is no such thing',
  409: 'It conflicts with the present state',
  413: 'The body is too large',
  415: 'The body must be application/json in UTF-8',
  422: 'The request does not fit the contract',
  429: 'Too many requests from this address',
  503: 'The server is busy',
  504: 'There was no answer in time',
};

/** An example of the problem with that status, or with 500 for `default`, as a request to `instance` gets it. */
export function exampleOf(status: string, instance: string) {
  const code = Number(status) || 500;
  return {
    type: 'about:blank',
    title: STATUS_CODES[code] ?? 'Error',
    status: code,
    detail: details[code] ?? STATUS_CODES[code] ?? 'Error',
    instance,
    ...(code === 422 && { errors: [{ in: 'body', pointer: '/name', detail: 'is missing' }] }),
  };
}

/**
 * The error responses of a route, for its `response` schema: `...problems(404, 422)`. 429 and all others need no word:
 * the documents have them for every route.
 */
export function problems(...statuses: (keyof typeof meanings)[]) {
  const content = { [problemMediaType]: { schema: ref(ProblemSchema) } };
  return Object.fromEntries(statuses.map((status) => [status, { description: meanings[status], content }]));
}
