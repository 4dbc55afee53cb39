import type { OpenApiDocument } from './response-contract.ts';
import { securitySchemes } from './security-schemes.ts';

/** The document of a service, and the prefix of its paths. */
export interface Part {
  readonly service: string;
  readonly prefix: string;
  readonly document: OpenApiDocument;
}

export type Json = unknown;
export type JsonObject = { [key: string]: Json };

/** An error for two services with the same name or path, or for a document that cannot be merged without loss. */
export class MergeError extends Error {}

export const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** The names of the security schemes that all services share. So the docs page needs only one token. */
export const commonSchemes: ReadonlySet<string> = new Set(Object.keys(securitySchemes));

/** Returns the path in the merged document for a path of a service's document. */
export function completePath({ prefix }: Part, path: string): string {
  return path === '/' ? `${prefix}/` : `${prefix}${path}`;
}

/** The keys below these keywords are names that the author chose, not keywords. */
const maps = new Set([
  ...['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'paths', 'responses'],
  ...['content', 'headers', 'callbacks', 'links', 'examples', 'encoding', 'variables'],
  ...['schemas', 'parameters', 'requestBodies', 'securitySchemes', 'pathItems'],
]);
/** The values of these keywords are data without references. */
const data = new Set(['example', 'default', 'const', 'enum', 'value', 'dependentRequired', 'scopes']);

/** Creates functions that copy parts of a service's document and qualify every name. */
export function createQualifier(part: Part, claimOperationId: (id: string, method: string) => void) {
  const { qualify, qualifyScheme, qualifyTag, rewriteRef } = createNames(part);
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
    if (key === 'tags' && isStringList(value)) return value.map(qualifyTag);
    if (key === 'security') return walkSecurity(value);
    if (key === 'servers') {
      throw new MergeError(`${part.service}: servers of a path or an operation cannot be merged`);
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
      Object.fromEntries(
        Object.entries(requirement).map(([scheme, scopes]) => [qualifyScheme(scheme), scopes]),
      ),
    );
  }

  /**
   * Qualifies the schemas of a discriminator's mapping, which are references or names. Without a mapping, the names of
   * the schemas are the discriminating values. The merge changes these names, so a mapping keeps the values.
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

  /** Copies a link. Its parameters and body are data without references. */
  function walkLink(link: Json): Json {
    const { parameters, requestBody, ...rest } = link as JsonObject;
    return {
      ...(walk(rest) as JsonObject),
      ...(parameters !== undefined && { parameters }),
      ...(requestBody !== undefined && { requestBody }),
    };
  }

  function walkComponent(kind: string, component: Json): Json {
    return kind === 'links' ? walkLink(component) : walk(component);
  }

  return { qualify, qualifyTag, walk, walkComponent, walkSecurity };
}

/** Creates functions that qualify one name or one reference of a service's document. */
function createNames(part: Part) {
  const qualify = (name: string) => `${part.service}.${name}`;
  const qualifyScheme = (name: string) => (commonSchemes.has(name) ? name : qualify(name));
  /** The tag with the service's name needs no prefix, because the name is unique. */
  const qualifyTag = (name: string) => (name === part.service ? name : qualify(name));

  /** @throws {MergeError} if the reference would have no target in the merged document. */
  function rewriteRef(ref: string): string {
    const [hash, section, ...tokens] = ref.split('/');
    if (hash !== '#') return ref;
    if (section === 'components' && tokens.length >= 2) {
      const [kind, name, ...rest] = tokens as [string, string, ...string[]];
      return ['#/components', kind, qualify(name), ...rest].join('/');
    }
    if (section === 'paths' && tokens.length >= 1) {
      const [token, ...rest] = tokens as [string, ...string[]];
      const path = completePath(part, token.replaceAll('~1', '/').replaceAll('~0', '~'));
      return ['#/paths', path.replaceAll('~', '~0').replaceAll('/', '~1'), ...rest].join('/');
    }
    throw new MergeError(`${part.service}: the reference ${ref} would have no target after the merge`);
  }

  return { qualify, qualifyScheme, qualifyTag, rewriteRef };
}

/**
 * Renames the keys of a tuple: TypeBox 0.34 writes a tuple in the form of draft 7, with a list in `items`. OpenAPI 3.1
 * uses draft 2020-12 with the list in `prefixItems` and further items in `items`. TypeBox 1.x does so itself.
 */
function renameTupleKey({ items }: JsonObject) {
  const names: Readonly<Record<string, string>> = Array.isArray(items)
    ? { items: 'prefixItems', additionalItems: 'items' }
    : {};
  return ([key, value]: Json[]): Json[] => [names[key as string] ?? key, value];
}

function isStringList(value: Json): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
