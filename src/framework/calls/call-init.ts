import type { CallInit } from './peers.ts';

/** Lower-cases the names of headers, so that the caller and the client do not both set a header. */
export function lowerCaseNames(headers: CallInit['headers'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** @throws {TypeError} for an empty list, because a query cannot express it: the peer would list all of its items. */
export function rejectEmptyLists(target: string, query: CallInit['query'] = {}): void {
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value) && value.length === 0)
      throw new TypeError(
        `The query parameter ${name} of ${target} is an empty list, which a URL cannot express: leave the call out`,
      );
  }
}
