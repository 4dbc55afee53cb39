import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

/** What is read of an OpenAPI 3.1 document; the rest is kept as it is. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly [key: string]: unknown;
}
type PathItem = Readonly<Record<string, OperationObject>>;
interface OperationObject {
  readonly operationId?: string;
  readonly parameters?: readonly ParameterObject[];
  readonly responses?: Readonly<Record<string, unknown>>;
}
interface ParameterObject {
  readonly name: string;
  readonly in: string;
  readonly schema?: { readonly maxItems?: number };
}

/** What came back from a call. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: unknown;
}

/** What one operation promises. */
export interface OperationContract {
  readonly method: string;
  readonly path: string;
  /** The most values that a query parameter takes, Infinity where the contract sets no bound. */
  maxItems(parameter: string): number;
  /** Why `answer` is not the success that the contract promises; undefined where it is. */
  findFault(answer: Answer): string | undefined;
}

const compilers = new WeakMap<OpenApiDocument, Ajv2020>();

/**
 * The contract of one operation of the merged document, its checks compiled.
 * @throws Error where the document has no such operation, or one without a success.
 */
export function readContract(document: OpenApiDocument, method: string, path: string): OperationContract {
  const operation = document.paths[path]?.[method];
  const successes = Object.keys(operation?.responses ?? {}).filter((status) => status.startsWith('2'));
  if (operation === undefined || successes.length === 0) {
    throw new Error(`No contract for ${method.toUpperCase()} ${path}: run "npm run generate"`);
  }
  const checks = new Map(
    successes.map((status) => [Number(status), compileAnswer(document, [path, method, 'responses', status])]),
  );
  return {
    method,
    path,
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

function compileAnswer(document: OpenApiDocument, place: readonly string[]): ValidateFunction {
  let ajv = compilers.get(document);
  if (ajv === undefined) {
    ajv = new Ajv2020({ strict: false, meta: false, validateSchema: false });
    formats.default(ajv, { mode: 'fast' });
    ajv.addSchema(document, 'document', undefined, false);
    compilers.set(document, ajv);
  }
  const pointer = ['paths', ...place, 'content', 'application/json', 'schema']
    .map((token) => encodeURIComponent(token.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/');
  return ajv.compile({ $ref: `document#/${pointer}` });
}
