import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

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
}
interface ParameterObject {
  readonly name: string;
  readonly in: string;
  readonly schema?: { readonly maxItems?: number };
}

/** The response to a call. */
export interface ResponseToCheck {
  readonly status: number;
  readonly contentType: string;
  readonly body: unknown;
}

/** The contract of one operation. */
export interface OperationContract {
  readonly method: string;
  readonly path: string;
  /** Whether it takes an `Idempotency-Key`. */
  readonly takesKey: boolean;
  /** The most values that a query parameter takes, Infinity where the contract sets no bound. */
  maxItems(parameter: string): number;
  /** Returns why a response is not the success of the contract; undefined if it is. */
  findFault(answer: ResponseToCheck): string | undefined;
}

const httpMethods = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);
const jsonSchema = ['content', 'application/json', 'schema'];
const compilers = new WeakMap<OpenApiDocument, Ajv2020>();

/**
 * The contract of one operation of the merged document, its checks compiled.
 * @throws Error where the document has no such operation, or one without a success.
 */
export function readContract(document: OpenApiDocument, method: string, path: string): OperationContract {
  const operation = document.paths[path]?.[method];
  const successes = Object.keys(operation?.responses ?? {}).filter((status) => status.startsWith('2'));
  if (operation === undefined) throw new Error(describeMissing(document, method, path));
  if (successes.length === 0) {
    throw new Error(`${method.toUpperCase()} ${path} declares no success: add a response 200 to its schema`);
  }
  const checks = new Map(
    successes.map((status) => {
      try {
        const place = ['paths', path, method, 'responses', status, ...jsonSchema];
        return [Number(status), compileAt(document, place)];
      } catch (error) {
        const reason = `its response ${status} has no JSON schema that can be checked`;
        throw new Error(`${method.toUpperCase()} ${path}: ${reason}: ${(error as Error).message}`);
      }
    }),
  );
  return {
    method,
    path,
    takesKey: operation.parameters?.some(({ name }) => name === 'Idempotency-Key') === true,
    maxItems(parameter) {
      const found = operation.parameters?.find(
        ({ name, in: place }) => name === parameter && place === 'query',
      );
      return found?.schema?.maxItems ?? Number.POSITIVE_INFINITY;
    },
    findFault({ status, contentType, body }) {
      const check = checks.get(status);
      if (check === undefined) return `status ${status}`;
      if (contentType.split(';', 1)[0]?.trim() !== 'application/json')
        return `content type ${contentType || 'none'}`;
      if (check(body)) return undefined;
      const [error] = check.errors ?? [];
      return `body${error?.instancePath} ${error?.message}`;
    },
  };
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

/** Names the operations of the same service, because generating again does not help against a wrong path. */
function describeMissing({ paths }: OpenApiDocument, method: string, path: string): string {
  const [, service] = path.split('/');
  const known = Object.entries(paths)
    .filter(([other]) => other.split('/')[1] === service)
    .flatMap(([other, item]) =>
      Object.keys(item)
        .filter((key) => httpMethods.has(key))
        .map((verb) => `${verb.toUpperCase()} ${other}`),
    );
  const list = known.length === 0 ? `no operation of a service ${service}` : known.join(', ');
  return `The contract has no ${method.toUpperCase()} ${path}. It has ${list}. For a new operation run ./run.sh generate`;
}

/**
 * Compiles the schema at a place in a document.
 * @throws Error where Ajv cannot compile it.
 */
export function compileAt(document: OpenApiDocument, place: readonly string[]): ValidateFunction {
  let ajv = compilers.get(document);
  if (ajv === undefined) {
    ajv = new Ajv2020({ strict: false, meta: false, validateSchema: false, logger: false });
    formats.default(ajv, { mode: 'fast' });
    ajv.addSchema(document, 'document', undefined, false);
    compilers.set(document, ajv);
  }
  const pointer = place
    .map((token) => encodeURIComponent(token.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/');
  return ajv.compile({ $ref: `document#/${pointer}` });
}
