import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/**
 * Hashes the route of a request and its values after validation, so an explicit default equals an omitted one. The order
 * of members, a trailing slash and an empty query make no difference.
 */
export function fingerprint({ method, routeOptions, params, query, body }: FastifyRequest): string {
  const route = routeOptions.url?.replace(/\/$/, '');
  return hash('sha256', canonicalize([method, route, params, query, body]), 'base64url');
}

/** Returns JSON with sorted keys. It does not recurse, because deep nesting of a body would overflow the stack. */
function canonicalize(root: unknown): string {
  const parts: string[] = [];
  /** Values and strings that are still to be written; the last one is next. */
  const waiting: (string | { readonly value: unknown })[] = [{ value: root }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string') {
      parts.push(next);
      continue;
    }
    const { value } = next;
    if (typeof value !== 'object' || value === null) parts.push(JSON.stringify(value) ?? '');
    else if (Array.isArray(value)) {
      parts.push('[');
      waiting.push(']');
      for (const item of value.toReversed()) waiting.push(',', { value: item });
    } else {
      parts.push('{');
      waiting.push('}');
      const members = Object.entries(value).sort(([one], [other]) => (one < other ? 1 : -1));
      for (const [name, member] of members) waiting.push(',', { value: member }, `${JSON.stringify(name)}:`);
    }
  }
  return parts.join('');
}
