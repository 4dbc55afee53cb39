import { isDeepStrictEqual } from 'node:util';
import type { Request } from './load.ts';
import type { Server } from './servers.ts';

const sample = 10;
/** Properties that differ, because they depend on the time of creation. */
const generated = ['id', 'last_fed', 'last_interaction'];

/** Describes the first difference between the responses of two servers; undefined if there is none. */
export async function findDifference(
  left: Server,
  right: Server,
  requests: readonly Request[],
): Promise<string | undefined> {
  for (const request of requests.slice(0, sample)) {
    const [one, other] = await Promise.all([send(left, request), send(right, request)]);
    if (!isDeepStrictEqual(one, other)) {
      return `${request.method} ${request.path}: ${JSON.stringify(one)} and ${JSON.stringify(other)}`;
    }
  }
  return undefined;
}

async function send({ port }: Server, { method, path, body, headers = {} }: Request): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    // No connection may stay open, because the server will be suspended.
    headers: {
      ...headers,
      connection: 'close',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const content = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${method} ${path} is ${response.status}: ${JSON.stringify(content)}`);
  if (method === 'POST') for (const key of generated) content[key] = typeof content[key];
  return content;
}
