import type { OpenApiDocument } from '#common/contract.ts';

/** A service's own document, and the prefix under which its paths are served. */
export interface Part {
  readonly service: string;
  readonly prefix: string;
  readonly document: OpenApiDocument;
}

export interface MergeInfo {
  readonly title: string;
  readonly version: string;
  readonly description?: string;
}

type Json = unknown;
type JsonObject = { [key: string]: Json };

/** Two services that claim the same thing, or a document that cannot be merged without losing something. */
export class MergeError extends Error {}

/**
 * Merges the documents of services into one, OpenAPI 3.1, with whole paths. Components, operation ids, tags and
 * security schemes are named `<service>.<name>`, always, so that no name changes when a service is added; every
 * reference to them follows. What stands at the top of a service's document and has no place in the merged one
 * is kept under `x-services`.
 * @throws {MergeError} naming both owners where two services claim one path or one qualified name.
 */
export function mergeDocuments(parts: readonly Part[], info: MergeInfo): OpenApiDocument {
  const owners = new Map<string, string>();
  const merged = {
    openapi: '3.1.0',
    info: { ...info },
    servers: [{ url: '/' }],
    tags: [] as Json[],
    paths: {} as Record<string, Record<string, object>>,
    webhooks: {} as JsonObject,
    components: {} as Record<string, JsonObject>,
    'x-services': {} as JsonObject,
  };

  for (const part of parts) {
    const {
      openapi,
      info: own,
      servers,
      tags,
      paths,
      webhooks,
      components,
      security,
      ...rest
    } = part.document;
    if (!openapi.startsWith('3.1.')) throw new MergeError(`${part.service}: OpenAPI ${openapi} is not 3.1`);
    claim(`the service name ${part.service}`, part.service);
    merged['x-services'][part.service] = { info: own, ...rest };

    const rewriter = createRewriter(part, (id) => claim(`the operationId ${id}`, part.service));
    for (const tag of (tags ?? []) as { name: string }[]) {
      merged.tags.push({ ...(rewriter.walk(tag) as object), name: rewriter.qualify(tag.name) });
    }
    for (const [path, item] of Object.entries(paths)) {
      const whole = wholePath(part, path);
      // Paths that differ only in the names of their parameters are one path.
      claim(`the path ${whole.replace(/\{[^}]*\}/g, '{}')}`, part.service);
      merged.paths[whole] = withSecurity(rewriter.walk(item) as JsonObject, rewriter.walkSecurity(security));
    }
    for (const [name, item] of Object.entries((webhooks ?? {}) as JsonObject)) {
      claim(`the webhook ${rewriter.qualify(name)}`, part.service);
      merged.webhooks[rewriter.qualify(name)] = rewriter.walk(item);
    }
    for (const [kind, named] of Object.entries((components ?? {}) as Record<string, JsonObject>)) {
      const all = merged.components[kind] ?? {};
      merged.components[kind] = all;
      for (const [name, component] of Object.entries(named)) {
        claim(`components/${kind}/${rewriter.qualify(name)}`, part.service);
        all[rewriter.qualify(name)] = rewriter.walk(component);
      }
    }
  }

  function claim(thing: string, service: string): void {
    const owner = owners.get(thing);
    if (owner !== undefined) throw new MergeError(`${thing} is claimed by ${owner} and by ${service}`);
    owners.set(thing, service);
  }

  const { webhooks, ...document } = merged;
  return Object.keys(webhooks).length === 0 ? document : merged;
}

function wholePath({ prefix }: Part, path: string): string {
  return path === '/' ? `${prefix}/` : `${prefix}${path}`;
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** A document's own `security` holds for those of its operations that say nothing; merged, they say it. */
function withSecurity(item: JsonObject, security: Json): Record<string, object> {
  if (security === undefined) return item as Record<string, object>;
  return Object.fromEntries(
    Object.entries(item).map(([key, value]) => [
      key,
      methods.includes(key) ? { security, ...(value as JsonObject) } : (value as object),
    ]),
  );
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
const data = new Set(['example', 'default', 'const', 'enum', 'value']);

/** Copies parts of a service's document with every name in them qualified. */
function createRewriter(part: Part, claimOperationId: (id: string) => void) {
  const qualify = (name: string) => `${part.service}.${name}`;
  const components = (part.document.components ?? {}) as Record<string, JsonObject>;

  function walk(node: Json, isMap = false): Json {
    if (Array.isArray(node)) return node.map((item) => walk(item));
    if (typeof node !== 'object' || node === null) return node;
    const entries = Object.entries(node).map(([key, value]) => [
      key,
      isMap ? walk(value) : walkKey(key, value),
    ]);
    return Object.fromEntries(entries);
  }

  function walkKey(key: string, value: Json): Json {
    if (data.has(key) || key.startsWith('x-')) return value;
    if (key === 'examples' && Array.isArray(value)) return value;
    if ((key === '$ref' || key === '$dynamicRef' || key === 'operationRef') && typeof value === 'string') {
      return rewriteRef(value);
    }
    if (key === 'operationId' && typeof value === 'string') return qualify(value);
    if (key === 'tags' && isTextList(value)) return value.map(qualify);
    if (key === 'security') return walkSecurity(value);
    if (key === 'servers') {
      throw new MergeError(
        `${part.service}: servers below the top of a document would not survive the merge`,
      );
    }
    if (key === 'discriminator') return walkDiscriminator(value);
    if (methods.includes(key)) claimId(value);
    return walk(value, maps.has(key) && !Array.isArray(value));
  }

  function claimId(operation: Json): void {
    const id = (operation as JsonObject | null)?.operationId;
    if (typeof id === 'string') claimOperationId(qualify(id));
  }

  function walkSecurity(security: Json): Json {
    if (!Array.isArray(security)) return security;
    return security.map((requirement) =>
      Object.fromEntries(Object.entries(requirement).map(([scheme, scopes]) => [qualify(scheme), scopes])),
    );
  }

  /** A mapping's value is a reference or the bare name of a schema. */
  function walkDiscriminator(value: Json): Json {
    const { mapping, ...rest } = value as { mapping?: Record<string, string> };
    if (mapping === undefined) return value;
    const rewritten = Object.entries(mapping).map(([key, target]) => [
      key,
      components.schemas?.[target] === undefined
        ? rewriteRef(target)
        : `#/components/schemas/${qualify(target)}`,
    ]);
    return { ...rest, mapping: Object.fromEntries(rewritten) };
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

  return { qualify, walk, walkSecurity };
}

function isTextList(value: Json): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
