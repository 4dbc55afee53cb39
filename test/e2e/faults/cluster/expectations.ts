import { expect } from 'vitest';
import {
  type ComparedRequest,
  differences,
  type isOfGateway,
  makeRequests,
  sendAll,
} from '../../groupings/compare.ts';
import type { Cluster } from './cluster.ts';

/** `COMPARED_REQUESTS` in the environment says how many. */
const count = Number(process.env.COMPARED_REQUESTS ?? 150);
export const requests = makeRequests(20_241_218, count);
export const unavailable =
  'network namespaces or nftables are not available: this test needs root, ip and nft';

/** Lists the differences between the responses of one process and those of a cluster. */
export async function compare(
  one: { readonly url: string; readonly requests: readonly ComparedRequest[] },
  other: { readonly url: string; readonly requests: readonly ComparedRequest[] },
  isLeftOut: typeof isOfGateway = () => false,
): Promise<string[]> {
  const expected = await sendAll(one.url, one.requests);
  const responses = await sendAll(other.url, other.requests);
  expect(new Set(expected.map(({ status }) => status)).size).toBeGreaterThan(5);
  return responses.flatMap((response, index) => {
    const request = requests[index] as ComparedRequest;
    if (isLeftOut(request)) return [];
    const found = differences(expected[index] as typeof response, response);
    return found.map((difference) => `${request.method} ${request.path}: ${difference}`);
  });
}

/** Stops each pod, as Kubernetes does after preStop. */
export async function stopPods({ pods }: Cluster): Promise<unknown[]> {
  for (const { process } of pods) process.child.kill('SIGTERM');
  return Promise.all(pods.map(({ process }) => process.ended));
}

/**
 * Expects that exactly these endpoints reach each `host:port`. Others are rejected by a policy, and not because no server
 * listens.
 */
export async function expectConnections(
  cluster: Cluster,
  expected: Readonly<Record<string, readonly string[]>>,
) {
  const outcomes = await cluster.connectAll(Object.keys(expected));
  const endpoints = [...new Set(outcomes.map((line) => line.split(' ')[0] as string))];
  const lines = endpoints.flatMap((endpoint) =>
    Object.entries(expected).map(([target, allowed]) => {
      const isAllowed = allowed.includes(endpoint) || target.startsWith(`${endpoint}:`);
      return `${endpoint} ${target}: ${isAllowed ? 'reached' : 'EHOSTUNREACH'}`;
    }),
  );
  const found = outcomes.map((line) => line.replace(/(open|ECONNREFUSED)$/, 'reached'));
  expect(found.sort()).toEqual(lines.sort());
}

export const outside = ['ingress', 'monitoring', 'stranger'];
