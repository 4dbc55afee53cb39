/** Whether two servers give the same answers: only then is it the same work. */
import { isDeepStrictEqual } from 'node:util';
import type { Request } from './load.ts';
import type { Server } from './servers.ts';

const sample = 10;
/** What differs because it is made at another time. */
const made = ['id', 'last_fed', 'last_interaction'];

/** What the one answers otherwise than the other, of the first requests; undefined where they are alike. */
export async function findDifference(
  left: Server,
  right: Server,
  requests: readonly Request[],
): Promise<string | undefined> {
  for (const request of requests.slice(0, sample)) {
    const [one, other] = await Promise.all([ask(left, request), ask(right, request)]);
    if (!isDeepStrictEqual(one, other)) {
      return `${request.method} ${request.path}: ${JSON.stringify(one)} and ${JSON.stringify(other)}`;
    }
  }
  return undefined;
}

async function ask({ port }: Server, { method, path, body }: Request): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    // Nothing is left open at a server that will be held still.
    headers: { connection: 'close', ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${method} ${path} is ${response.status}: ${JSON.stringify(answer)}`);
  if (method === 'POST') for (const key of made) answer[key] = typeof answer[key];
  return answer;
}
