import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { ActsAs } from '../context/principal.ts';

/** The parts of an OpenAPI 3.1 document that the framework reads. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly [key: string]: unknown;
}
type PathItem = Readonly<Record<string, OperationObject>>;
interface OperationObject {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly ParameterObject[];
  readonly responses?: Readonly<Record<string, unknown>>;
  readonly security?: readonly SecurityRequirement[];
}
interface ResponseObject {
  readonly content?: Readonly<Record<string, unknown>>;
}
/** Values by security scheme. All of them are needed. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>;
interface ParameterObject {
  readonly name: string;
  readonly in: string;
  readonly schema?: { readonly maxItems?: number };
}

/** A response to check against the contract. */
export interface ResponseToCheck {
  readonly status: number;
  readonly contentType: string;
  readonly body: unknown;
}

/** The contract of one operation. */
export interface OperationContract {
  readonly method: string;
  readonly path: string;
  /** Whether the operation accepts an `Idempotency-Key`. */
  readonly takesKey: boolean;
  /** Returns the default principal of the calls of a service: itself, if the operation accepts services. */
  defaultActsAs(service: string): ActsAs;
  /** Returns the maximum number of values of a query parameter. Infinity: the contract sets no maximum. */
  maxItems(parameter: string): number;
  /** Whether the success with this status has a body. The body is JSON. */
  hasBody(status: number): boolean;
  /** Describes why a response is no success of the contract. Undefined if it is one. */
  findMismatch(response: ResponseToCheck): string | undefined;
}

const json = 'application/json';
const compilers = new WeakMap<OpenApiDocument, Ajv2020>();

/**
 * Reads the contract of an operation from the merged document, and compiles its checks.
 * @throws {Error} if the document has no such operation, or a call cannot read its successes.
 */
export function readContract(document: OpenApiDocument, method: string, path: string): OperationContract {
  const operation = document.paths[path]?.[method];
  if (operation === undefined) throw new Error(describeMissing(document, method, path));
  const unreadable = findUnreadable(operation);
  if (unreadable !== undefined) throw new Error(`${method.toUpperCase()} ${path}, ${unreadable}`);
  const checks = new Map(
    listSuccesses(operation).flatMap(([status, { content }]) => {
      const pointer = ['paths', path, method, 'responses', status, 'content', json, 'schema'];
      const check = content === undefined ? undefined : compileAt(document, pointer);
      return statusesOf(status).map((one) => [one, check] as const);
    }),
  );
  return {
    method,
    path,
    takesKey: operation.parameters?.some(({ name }) => name === 'Idempotency-Key') === true,
    defaultActsAs: (service) => defaultActsAs(service, operation.security),
    maxItems(parameter) {
      const found = operation.parameters?.find((one) => one.name === parameter && one.in === 'query');
      return found?.schema?.maxItems ?? Number.POSITIVE_INFINITY;
    },
    hasBody: (status) => checks.get(status) !== undefined,
    findMismatch({ status, contentType, body }) {
      if (!checks.has(status)) return `status ${status}`;
      const check = checks.get(status);
      if (check === undefined) return undefined;
      if (contentType.split(';', 1)[0]?.trim() !== json) return `content type ${contentType || 'none'}`;
      if (check(body)) return undefined;
      const [error] = check.errors ?? [];
      return `body${error?.instancePath} ${error?.message}`;
    },
  };
}

/** Lists the successes of an operation. A range comes first, because a single status takes precedence. */
function listSuccesses({ responses = {} }: OperationObject): [status: string, ResponseObject][] {
  const all = responses as Readonly<Record<string, ResponseObject>>;
  const successes = Object.entries(all).filter(([status]) => status.startsWith('2'));
  return successes.sort(([one], [other]) => (one < other ? 1 : -1));
}

/** Lists the statuses of a response: one, or all of `2XX`. */
function statusesOf(status: string): number[] {
  return status === '2XX' ? Array.from({ length: 100 }, (_, index) => 200 + index) : [Number(status)];
}

/** Describes why a call cannot read the successes of an operation. Undefined: it can. */
export function findUnreadable(operation: OperationObject): string | undefined {
  const successes = listSuccesses(operation);
  if (successes.length === 0) return 'which has no response 200';
  for (const [status, { content }] of successes) {
    if (content !== undefined && !Object.hasOwn(content, json))
      return `whose response ${status} is ${Object.keys(content).join(' or ')}`;
  }
  return undefined;
}

/**
 * Whether an operation with this `security` accepts calls of a service.
 * @param as the principal of the call. As `caller`, the scopes depend on the token.
 */
export function acceptsCallOf(service: string, as: ActsAs, security: OperationObject['security']): boolean {
  if (security === undefined || security.length === 0) return true;
  return security.some(({ bearer, service: services }) => {
    const isNamed = services === undefined || services.length === 0 || services.includes(service);
    return (
      isNamed && (as === 'caller' ? bearer !== undefined || services === undefined : bearer === undefined)
    );
  });
}

/** Returns the default principal of the calls of a service to an operation with this `security`. */
export function defaultActsAs(service: string, security: OperationObject['security']): ActsAs {
  return acceptsCallOf(service, 'service', security) ? 'service' : 'caller';
}

/** Counts the operations that need a credential. */
export function countSecured({ paths }: OpenApiDocument): number {
  const operations = Object.values(paths).flatMap((item) => Object.values(item));
  return operations.filter(({ security = [] }) => security.length > 0).length;
}

/** Finds an operation of the merged document by its id, `<service>.<operationId>`. */
export function findOperation(document: OpenApiDocument, id: string) {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (operation.operationId === id) return { method, path, operation };
    }
  }
  return undefined;
}

/** Lists the operations of the same service, because a wrong path is more likely than an outdated document. */
function describeMissing({ paths }: OpenApiDocument, method: string, path: string): string {
  const [, service] = path.split('/');
  const known = Object.entries(paths)
    .filter(([other]) => other.split('/')[1] === service)
    .flatMap(([other, item]) => Object.keys(item).map((verb) => `${verb.toUpperCase()} ${other}`));
  const list = known.length === 0 ? `no operation of a service ${service}` : known.join(', ');
  return `The contract has no ${method.toUpperCase()} ${path}. It has ${list}. For a new operation run ./run.sh generate`;
}

/**
 * Compiles the schema at a JSON pointer of a document.
 * @throws {Error} if Ajv cannot compile it.
 */
export function compileAt(document: OpenApiDocument, tokens: readonly string[]): ValidateFunction {
  let ajv = compilers.get(document);
  if (ajv === undefined) {
    ajv = new Ajv2020({ strict: false, meta: false, validateSchema: false, logger: false });
    formats.default(ajv, { mode: 'fast' });
    ajv.addSchema(document, 'document', undefined, false);
    compilers.set(document, ajv);
  }
  const pointer = tokens
    .map((token) => encodeURIComponent(token.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/');
  return ajv.compile({ $ref: `document#/${pointer}` });
}
