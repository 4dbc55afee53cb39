import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

/** The part of a JSON Schema from which values are generated. Ajv alone decides whether a value is valid. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** Returns whether a value is valid. */
export type Validator = (value: unknown) => boolean;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
  readonly accepts: Validator;
}

/** A documented response: the validator of its body for each media type. Empty if it has no body. */
export type Documented = ReadonlyMap<string, Validator>;

export interface Operation {
  /** For example `POST /pets/{id}`. */
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body:
    | { readonly required: boolean; readonly schema: Schema; readonly accepts: Validator }
    | undefined;
  /** The parameter of a cursor, which only the link of a response has. Undefined: its pages have no links. */
  readonly cursor: string | undefined;
  /** The responses by status or `default`. */
  readonly responses: ReadonlyMap<string, Documented>;
  /** The problem types of its 404: they tell which things it needs. */
  readonly missingTypes: readonly string[];
}

export interface Contract {
  readonly operations: readonly Operation[];
  /** Follows all references. */
  resolve(schema: Schema): Schema;
  compile(schema: Schema): Validator;
}

export const json = 'application/json';
const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/* The part of OpenAPI that is read here. */
interface Node {
  readonly $ref?: string;
  readonly [key: string]: unknown;
}
interface Body {
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, Media>>;
  readonly headers?: Readonly<Record<string, unknown>>;
}
interface Media {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly 'x-problem-types'?: readonly string[];
}

/**
 * Reads an OpenAPI 3.1 document.
 * @throws {Error} if it has parts that are not fuzzed: parameters in cookies, or bodies that are not JSON.
 */
export function readDocument(document: Node): Contract {
  const ajv = new Ajv2020({ strict: false, meta: false, validateSchema: false });
  formats.default(ajv);
  ajv.addSchema(document, 'document', undefined, false);

  function compile(schema: Schema): Validator {
    const absolute = JSON.stringify(schema, (key, value) =>
      key === '$ref' && String(value).startsWith('#') ? `document${value}` : value,
    );
    return ajv.compile(JSON.parse(absolute)) as Validator;
  }

  function resolve<Found extends { readonly $ref?: string }>(node: Found): Found {
    if (node.$ref === undefined) return node;
    const { $ref, ...beside } = node;
    const tokens = $ref.slice(2).split('/');
    const found = tokens.reduce<unknown>(
      (node, token) => (node as Node)[decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~')],
      document,
    );
    return resolve({ ...(found as Found), ...beside } as Found);
  }

  function readParameter(node: Node, key: string): Parameter {
    const { name, in: location, required, schema = {} } = resolve(node) as unknown as Parameter;
    if (!['path', 'query', 'header'].includes(location))
      throw new Error(`${key}: ${location} ${name} is not fuzzed`);
    return {
      name,
      in: location,
      required: required ?? false,
      schema: resolve(schema),
      accepts: compile(schema),
    };
  }

  function readBody(node: Body | undefined, key: string): Operation['body'] {
    if (node === undefined) return undefined;
    const { required = false, content } = resolve(node as Node) as Body;
    const schema = content?.[json]?.schema;
    if (schema === undefined) throw new Error(`${key}: a body that is not ${json} is not fuzzed`);
    return { required, schema, accepts: compile(schema) };
  }

  function readResponse(node: Body): Documented {
    const { content = {} } = resolve(node as Node) as Body;
    return new Map(Object.entries(content).map(([type, { schema = {} }]) => [type, compile(schema)]));
  }

  function readMissingTypes(node: Body | undefined): string[] {
    const { content = {} } = node === undefined ? {} : (resolve(node as Node) as Body);
    return Object.values(content)
      .flatMap(({ example, ...media }) => [
        (example as { type?: unknown } | undefined)?.type,
        ...(media['x-problem-types'] ?? []),
      ])
      .filter((type): type is string => typeof type === 'string' && type !== 'about:blank');
  }

  const operations = Object.entries(document.paths as Record<string, Node>).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method] !== undefined)
      .map((method): Operation => {
        const node = item[method] as Node;
        const key = `${method.toUpperCase()} ${path}`;
        const parameters = [item.parameters ?? [], node.parameters ?? []].flat() as Node[];
        return {
          key,
          method: method.toUpperCase(),
          path,
          parameters: parameters.map((parameter) => readParameter(parameter, key)),
          body: readBody(node.requestBody as Body | undefined, key),
          missingTypes: readMissingTypes((node.responses as Record<string, Body>)['404']),
          cursor: hasLink(node.responses as Record<string, Body>) ? 'after' : undefined,
          responses: new Map(
            Object.entries(node.responses as Record<string, Body>).map(([status, response]) => [
              status,
              readResponse(response),
            ]),
          ),
        };
      }),
  );
  return { operations, resolve, compile };
}

/** Returns whether a success has a link to the next page. */
function hasLink(responses: Readonly<Record<string, Body>>): boolean {
  return Object.keys(responses['200']?.headers ?? {}).includes('link');
}

/** Returns the documentation of a status: of the status, of its class (`4XX`), or, for an error, of `default`. */
export function documentedFor({ responses }: Operation, status: number): Documented | undefined {
  const byClass = responses.get(`${Math.floor(status / 100)}XX`);
  return responses.get(String(status)) ?? byClass ?? (status >= 400 ? responses.get('default') : undefined);
}

export function typesOf({ type }: Schema): readonly string[] {
  return type === undefined ? [] : [type].flat();
}
