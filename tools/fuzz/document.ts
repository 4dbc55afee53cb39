import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

/** What is read of a JSON Schema to make values of it; whether one fits is for Ajv alone to say. */
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

export type Fits = (value: unknown) => boolean;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
  readonly fits: Fits;
}

/** An answer as it is documented: by media type, what its body must be. None: there is no body. */
export type Documented = ReadonlyMap<string, Fits>;

export interface Operation {
  /** As in `POST /pets/{id}`. */
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: { readonly required: boolean; readonly schema: Schema; readonly fits: Fits } | undefined;
  /** By status, or `default`. */
  readonly responses: ReadonlyMap<string, Documented>;
}

export interface Contract {
  readonly operations: readonly Operation[];
  /** Follows references to their end. */
  resolve(schema: Schema): Schema;
  compile(schema: Schema): Fits;
}

export const json = 'application/json';
const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/* What of OpenAPI is read here. */
interface Node {
  readonly $ref?: string;
  readonly [key: string]: unknown;
}
interface Body {
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

/**
 * Reads an OpenAPI 3.1 document.
 * @throws Error where it has what is not fuzzed: parameters in cookies, or bodies that are no JSON.
 */
export function readDocument(document: Node): Contract {
  const ajv = new Ajv2020({ strict: false, meta: false, validateSchema: false });
  formats.default(ajv);
  ajv.addSchema(document, 'document', undefined, false);

  function compile(schema: Schema): Fits {
    const absolute = JSON.stringify(schema, (key, value) =>
      key === '$ref' && String(value).startsWith('#') ? `document${value}` : value,
    );
    return ajv.compile(JSON.parse(absolute)) as Fits;
  }

  function resolve<Found extends { readonly $ref?: string }>(node: Found): Found {
    if (node.$ref === undefined) return node;
    const { $ref, ...beside } = node;
    const tokens = $ref.slice(2).split('/');
    const found = tokens.reduce<unknown>(
      (place, token) =>
        (place as Node)[decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~')],
      document,
    );
    return resolve({ ...(found as Found), ...beside } as Found);
  }

  function readParameter(node: Node, key: string): Parameter {
    const { name, in: place, required, schema = {} } = resolve(node) as unknown as Parameter;
    if (!['path', 'query', 'header'].includes(place))
      throw new Error(`${key}: ${place} ${name} is not fuzzed`);
    return { name, in: place, required: required ?? false, schema: resolve(schema), fits: compile(schema) };
  }

  function readBody(node: Body | undefined, key: string): Operation['body'] {
    if (node === undefined) return undefined;
    const { required = false, content } = resolve(node as Node) as Body;
    const schema = content?.[json]?.schema;
    if (schema === undefined) throw new Error(`${key}: a body that is not ${json} is not fuzzed`);
    return { required, schema, fits: compile(schema) };
  }

  function readResponse(node: Body): Documented {
    const { content = {} } = resolve(node as Node) as Body;
    return new Map(Object.entries(content).map(([type, { schema = {} }]) => [type, compile(schema)]));
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

/** What is documented for a status: by itself, by its class (`4XX`), or, where it is an error, by `default`. */
export function documentedFor({ responses }: Operation, status: number): Documented | undefined {
  const byClass = responses.get(`${Math.floor(status / 100)}XX`);
  return responses.get(String(status)) ?? byClass ?? (status >= 400 ? responses.get('default') : undefined);
}

export function typesOf({ type }: Schema): readonly string[] {
  return type === undefined ? [] : [type].flat();
}

/**
 * Whether these texts of a path, a query or a header, all of one parameter, fit. Numbers are plain decimals there,
 * and what is not stays a text.
 */
export function textsFit(
  { resolve }: Contract,
  { schema, fits }: Parameter,
  texts: readonly string[],
): boolean {
  if (typesOf(schema).includes('array')) {
    const item = resolve(schema.items ?? {});
    return fits(texts.map((text) => readText(item, text)));
  }
  return texts.length === 1 && fits(readText(schema, texts[0] as string));
}

function readText(schema: Schema, text: string): unknown {
  const types = typesOf(schema);
  if (types.includes('integer') && /^(0|-?[1-9]\d*)$/.test(text)) return Number(text);
  if (types.includes('number') && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return Number(text);
  if (types.includes('boolean') && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}
