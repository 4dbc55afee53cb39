import { isDeepStrictEqual } from 'node:util';
import { product } from './product.ts';
import {
  commonSchemes,
  completePath,
  createQualifier,
  type Json,
  type JsonObject,
  MergeError,
  methods,
  type Part,
} from './qualify.ts';
import type { OpenApiDocument } from './response-contract.ts';

export { MergeError, type Part };

/** The tag of the operations that all services have in common. */
export const commonTag = 'service';

export interface MergeInfo {
  readonly title: string;
  readonly version: string;
  readonly description?: string;
}

/** Returns the `info` of the merged document. */
export function mergedInfo(version: string) {
  return { ...product, version };
}

/**
 * Merges the OpenAPI 3.1 documents of services, with complete paths. Components, operation ids, tags and security schemes
 * get the names `<service>.<name>`, so that no name changes when a service is added. Only the tag with the name of the
 * service keeps its name. References get the new names. `x-services` keeps the `info` and unknown fields of each document.
 * @throws {MergeError} if two services have the same path or qualified name. The message names both owners.
 */
export function mergeDocuments(parts: readonly Part[], info: MergeInfo): OpenApiDocument {
  const owners = new Map<string, { readonly service: string; readonly route: string }>();
  const merged = {
    openapi: '3.1.0',
    info: { ...info },
    servers: [{ url: '/' }],
    security: [] as Json[],
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

    const secure = (item: Json) => withSecurity(item as JsonObject, rewriter.walkSecurity(security));
    let location = '';
    const rewriter = createQualifier(part, (id, method) =>
      claim(`the operationId ${id}`, part.service, `${method.toUpperCase()} ${location}`),
    );
    for (const tag of (tags ?? []) as { name: string }[]) {
      merged.tags.push({ ...(rewriter.walk(tag) as object), name: rewriter.qualifyTag(tag.name) });
    }
    for (const [path, item] of Object.entries(paths)) {
      location = completePath(part, path);
      // Paths that differ only in the names of their parameters are the same path.
      claim(`the path ${location.replace(/\{[^}]*\}/g, '{}')}`, part.service, location);
      merged.paths[location] = secure(rewriter.walk(item));
    }
    for (const [name, item] of Object.entries((webhooks ?? {}) as JsonObject)) {
      location = rewriter.qualify(name);
      claim(`the webhook ${location}`, part.service);
      merged.webhooks[location] = secure(rewriter.walk(item));
    }
    for (const [kind, named] of Object.entries((components ?? {}) as Record<string, JsonObject>)) {
      const all = merged.components[kind] ?? {};
      merged.components[kind] = all;
      for (const [name, component] of Object.entries(named)) {
        if (kind === 'securitySchemes' && commonSchemes.has(name)) {
          shareScheme(all, name, component, part.service);
          continue;
        }
        const qualified = rewriter.qualify(name);
        location = `components/${kind}/${qualified}`;
        claim(location, part.service);
        const walked = rewriter.walkComponent(kind, component);
        all[qualified] = kind === 'pathItems' ? secure(walked) : walked;
      }
    }
  }

  /** Adds a security scheme that all services share. */
  function shareScheme(all: JsonObject, name: string, scheme: Json, service: string): void {
    if (all[name] !== undefined && !isDeepStrictEqual(all[name], scheme))
      throw new MergeError(`${service}: its security scheme ${name} is not that of the other services`);
    all[name] = scheme;
  }

  /** @param route distinguishes two owners of the same service. */
  function claim(thing: string, service: string, route = service): void {
    const owner = owners.get(thing);
    if (owner === undefined) return void owners.set(thing, { service, route });
    const [first, second] = owner.service === service ? [owner.route, route] : [owner.service, service];
    throw new MergeError(`${thing} is claimed by ${first} and by ${second}`);
  }

  // Documentation pages list tags in this order: the common tags of all services come last.
  merged.tags = [...merged.tags.filter((tag) => !isCommon(tag)), ...merged.tags.filter(isCommon)];
  const { webhooks, ...document } = merged;
  return Object.keys(webhooks).length === 0 ? document : merged;
}

function isCommon(tag: Json): boolean {
  return (tag as { name: string }).name.endsWith(`.${commonTag}`);
}

/** Returns the merged document with these services only. Services do not refer to each other. */
export function selectServices(document: OpenApiDocument, services: readonly string[]): OpenApiDocument {
  const isNamed = (name: string) => services.some((service) => name.startsWith(`${service}.`));
  const select = (named: Json, isKept: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(named as JsonObject).filter(([key]) => isKept(key)));
  const selectors: Readonly<Record<string, (value: Json) => Json>> = {
    tags: (tags) =>
      (tags as { name: string }[]).filter(({ name }) => services.includes(name) || isNamed(name)),
    paths: (paths) => select(paths, (path) => services.includes(path.split('/')[1] as string)),
    webhooks: (webhooks) => select(webhooks, isNamed),
    components: (kinds) =>
      Object.fromEntries(
        Object.entries(kinds as JsonObject).map(([kind, named]) => [
          kind,
          select(named, (name) => isNamed(name) || (kind === 'securitySchemes' && commonSchemes.has(name))),
        ]),
      ),
    'x-services': (named) => select(named, (name) => services.includes(name)),
  };
  const entries = Object.entries(document).map(([key, value]) => [key, selectors[key]?.(value) ?? value]);
  return Object.fromEntries(entries) as OpenApiDocument;
}

/**
 * Adds the `security` of a service's document to its operations without one, because the merged document has no common
 * security.
 */
function withSecurity(item: JsonObject, security: Json): Record<string, object> {
  if (security === undefined || (security as Json[]).length === 0) return item as Record<string, object>;
  return Object.fromEntries(
    Object.entries(item).map(([key, value]) => [
      key,
      methods.includes(key) ? { security, ...(value as JsonObject) } : (value as object),
    ]),
  );
}
