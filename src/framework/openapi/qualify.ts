import type { OpenApiDocument } from './response-contract.ts';

/** A service's own document, and the prefix under which its paths are served. */
export interface Part {
  readonly service: string;
  readonly prefix: string;
  readonly document: OpenApiDocument;
}

export type Json = unknown;
export type JsonObject = { [key: string]: Json };

/** Two services that claim the same thing, or a document that cannot be merged without losing something. */
export class MergeError extends Error {}

export const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** The path in the merged document of a path of a service's own. */
export function wholePath({ prefix }: Part, path: string): string {
  return path === '/' ? `${prefix}/` : `${prefix}${path}`;
}

/** Under these keys stand names of the author's choice, not keywords. */
const maps = new Set([
  ...['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'paths', 'responses'],
  ...[
    'content',
    'headers',
    'callbacks',
    'links',
    'examples',
    'encoding',
    'variables',
    'schemas',
    'parameters',
  ],
  ...['requestBodies', 'securitySchemes', 'pathItems'],
]);
/** Under these keys stands data, in which nothing is a reference. */
const data = new Set(['example', 'default', 'const', 'enum', 'value', 'dependentRequired', 'scopes']);

/** Copies parts of a service's document with every name in them qualified. */
export function createQualifier(part: Part, claimOperationId: (id: string, method: string) => void) {
  const qualify = (name: string) => `${part.service}.${name}`;
  /** The tag with the service's name needs no prefix: no other service has it. */
  const qualifyTag = (name: string) => (name === part.service ? name : qualify(name));
  const components = (part.document.components ?? {}) as Record<string, JsonObject>;

  function walk(node: Json, isMap = false): Json {
    if (Array.isArray(node)) return node.map((item) => walk(item));
    if (typeof node !== 'object' || node === null) return node;
    const entries: Json[][] = Object.entries(node).map(([key, value]) => [
      key,
      isMap ? walk(value) : walkKey(key, value, node as JsonObject),
    ]);
    const renamed = isMap ? entries : entries.map(renameTupleKey(node as JsonObject));
    return Object.fromEntries(renamed as [string, Json][]);
  }

  function walkKey(key: string, value: Json, node: JsonObject): Json {
    if (data.has(key) || key.startsWith('x-')) return value;
    if (key === 'examples' && Array.isArray(value)) return value;
    if ((key === '$ref' || key === '$dynamicRef' || key === 'operationRef') && typeof value === 'string') {
      return rewriteRef(value);
    }
    if (key === 'operationId' && typeof value === 'string') return qualify(value);
    if (key === 'tags' && isTextList(value)) return value.map(qualifyTag);
    if (key === 'security') return walkSecurity(value);
    if (key === 'servers') {
      throw new MergeError(
        `${part.service}: servers below the top of a document would not survive the merge`,
      );
    }
    if (key === 'discriminator') return walkDiscriminator(value, node);
    if (key === 'links') {
      return Object.fromEntries(
        Object.entries(value as JsonObject).map(([name, link]) => [name, walkLink(link)]),
      );
    }
    if (methods.includes(key)) claimId(key, value);
    return walk(value, maps.has(key) && !Array.isArray(value));
  }

  function claimId(method: string, operation: Json): void {
    const id = (operation as JsonObject | null)?.operationId;
    if (typeof id === 'string') claimOperationId(qualify(id), method);
  }

  function walkSecurity(security: Json): Json {
    if (!Array.isArray(security)) return security;
    return security.map((requirement) =>
      Object.fromEntries(Object.entries(requirement).map(([scheme, scopes]) => [qualify(scheme), scopes])),
    );
  }

  /**
   * A mapping's value is a reference or the bare name of a schema. Without a mapping the names of the schemas are
   * the values that tell them apart; those have changed, so what they were is said by one.
   */
  function walkDiscriminator(value: Json, { oneOf, anyOf }: JsonObject): Json {
    const { mapping, ...rest } = value as { mapping?: Record<string, string> };
    const implied = [oneOf ?? anyOf ?? []].flat().flatMap((option) => {
      const name = /^#\/components\/schemas\/([^/]+)$/.exec(String((option as JsonObject).$ref))?.[1];
      return name === undefined ? [] : [[name, name] as const];
    });
    const targets = Object.entries({ ...Object.fromEntries(implied), ...mapping });
    if (targets.length === 0) return value;
    const rewritten = targets.map(([key, target]) => [
      key,
      components.schemas?.[target] === undefined && !implied.some(([name]) => name === target)
        ? rewriteRef(target)
        : `#/components/schemas/${qualify(target)}`,
    ]);
    return { ...rest, mapping: Object.fromEntries(rewritten) };
  }

  /** Of a link, what it sends is data. */
  function walkLink(link: Json): Json {
    const { parameters, requestBody, ...rest } = link as JsonObject;
    return {
      ...(walk(rest) as JsonObject),
      ...(parameters !== undefined && { parameters }),
      ...(requestBody !== undefined && { requestBody }),
    };
  }

  function rewriteRef(ref: string): string {
    const [hash, place, ...tokens] = ref.split('/');
    if (hash !== '#') return ref;
    if (place === 'components' && tokens.length >= 2) {
      const [kind, name, ...rest] = tokens as [string, string, ...string[]];
      return ['#/components', kind, qualify(name), ...rest].join('/');
    }
    if (place === 'paths' && tokens.length >= 1) {
      const [path, ...rest] = tokens as [string, ...string[]];
      const whole = wholePath(part, path.replaceAll('~1', '/').replaceAll('~0', '~'));
      return ['#/paths', whole.replaceAll('~', '~0').replaceAll('/', '~1'), ...rest].join('/');
    }
    throw new MergeError(`${part.service}: the reference ${ref} would lead nowhere after the merge`);
  }

  function walkComponent(kind: string, component: Json): Json {
    return kind === 'links' ? walkLink(component) : walk(component);
  }

  return { qualify, qualifyTag, walk, walkComponent, walkSecurity };
}

/**
 * TypeBox 0.34 writes a tuple as draft 7 has it: a list under `items`. OpenAPI 3.1 takes draft 2020-12, where that
 * list is `prefixItems`, and `items` are the items after it. No longer needed with TypeBox 1.x.
 */
function renameTupleKey({ items }: JsonObject) {
  const names: Readonly<Record<string, string>> = Array.isArray(items)
    ? { items: 'prefixItems', additionalItems: 'items' }
    : {};
  return ([key, value]: Json[]): Json[] => [names[key as string] ?? key, value];
}

function isTextList(value: Json): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
