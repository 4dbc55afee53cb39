import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/**
 * Identifies what a request asks for. Two requests are the same where they reach the same route with the same values
 * after validation, so a default that is spelled out equals one that is left out. The order of members does not count,
 * nor does a trailing slash or an empty query.
 */
export function fingerprint({ method, routeOptions, params, query, body }: FastifyRequest): string {
  const route = routeOptions.url?.replace(/\/$/, '');
  return hash('sha256', canonicalize([method, route, params, query, body]), 'base64url');
}

/** JSON with sorted keys. It does not recurse, because a body may be nested deeper than the stack is. */
function canonicalize(root: unknown): string {
  const parts: string[] = [];
  /** Values and text that are still to be written; the next one is last. */
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
