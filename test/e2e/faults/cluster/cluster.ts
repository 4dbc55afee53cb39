import { execFileSync, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { sendRequest } from '../../../support/app.ts';
import { find, type Json } from '../../../tools/deploy/helper.ts';
import type { TestProcess } from '../../process/helper.ts';
import { createNamespaces } from '../namespaces.ts';
import { connectFrom, forward } from './connections.ts';
import { createContainer } from './container.ts';
import { type Endpoint, toNft } from './network-policy.ts';

/** The pods outside the namespace of the manifests. */
const outside = ['ingress', 'monitoring', 'stranger'] as const;
/** A pod in the namespace of the manifests that no app has made. */
const intruder = 'intruder';

export interface RunningPod {
  readonly name: string;
  readonly process: TestProcess;
  /** Runs a command in a container like that of the pod, as `kubectl exec` does. Resolves with its output. */
  execute(command: readonly string[]): Promise<string>;
}

export interface Cluster {
  readonly pods: readonly RunningPod[];
  /** The URL of the gateway for clients, through the pod of the Ingress controller. */
  readonly url: string;
  /** Tries to connect each endpoint with each `host:port`. Returns the outcomes: `endpoint host:port: outcome`. */
  connectAll(targets: readonly string[]): Promise<string[]>;
}

export interface ClusterOptions {
  readonly manifests: readonly Json[];
  readonly secrets: Readonly<Record<string, string>>;
  /** The names of servers outside the cluster. They are on the node. */
  readonly servers?: readonly string[];
  /** Called with the address of the node, where the servers are, before a pod starts. */
  prepare?(node: string): Promise<unknown>;
}

/**
 * Runs one pod for each workload of manifests, each in a separate network namespace, with the NetworkPolicies as rules of
 * nftables. The pods that the policies name are in labelled namespaces; a stranger is in another namespace.
 * @returns undefined if network namespaces or nftables are not available.
 */
export async function startCluster(t: TestContext, options: ClusterOptions): Promise<Cluster | undefined> {
  if (spawnSync('nft', ['--version']).status !== 0) return undefined;
  const { manifests, secrets, servers = [] } = options;
  const workloads = manifests.filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment');
  const names = [...workloads.map(({ metadata }) => metadata.name as string), intruder, ...outside];
  const network = createNamespaces(t, names.length, (addresses) => {
    const node = `${addresses[0]?.replace(/\d+$/, '1')} ${servers.join(' ')}`;
    return [
      ...names.map((name, index) => `${addresses[index]} ${name}`),
      ...(servers.length > 0 ? [node] : []),
    ].join('\n');
  });
  if (network === undefined) return undefined;
  const { bridge: node, hosts } = network;
  const hostOf = (name: string) => hosts[names.indexOf(name)] as (typeof hosts)[number];
  const namespace = manifests.find(({ kind }) => kind === 'Namespace').metadata;
  const endpoints = names.map((name): Endpoint => {
    const { address } = hostOf(name);
    const isOutside = outside.some((one) => one === name);
    const workload = workloads.find(({ metadata }) => metadata.name === name);
    return {
      ...{ name, address, namespace: isOutside ? name : namespace.name },
      namespaceLabels: isOutside ? { 'modular-monolith/role': name } : namespace.labels,
      labels: workload?.spec.template.metadata.labels ?? {},
    };
  });
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
  for (const endpoint of endpoints) {
    const input = toNft(endpoint, endpoints, policies, node);
    execFileSync('ip', ['netns', 'exec', hostOf(endpoint.name).name, 'nft', '-f', '-'], { input });
  }
  await options.prepare?.(node);
  const pods = await Promise.all(
    workloads.map((workload) => {
      const { name, address } = hostOf(workload.metadata.name);
      return startPod(t, workload, manifests, secrets, name, address);
    }),
  );
  const ingress = hostOf('ingress');
  const [{ port }] = find(manifests, 'Service', 'gateway').spec.ports;
  await forward(t, ingress.name, 9_000, 'gateway', port);
  return {
    ...{ pods, url: `http://${ingress.address}:9000` },
    connectAll: async (targets) => {
      const found = await Promise.all(
        names.map(async (name) => [name, await connectFrom(t, hostOf(name).name, targets)] as const),
      );
      return found.flatMap(([name, lines]) => lines.map((line) => `${name} ${line}`));
    },
  };
}

/** Starts a pod, and waits as the kubelet does: until its startup probe succeeds, and then its readiness probe. */
async function startPod(
  t: TestContext,
  workload: Json,
  manifests: readonly Json[],
  secrets: Readonly<Record<string, string>>,
  host: string,
  address: string,
): Promise<RunningPod> {
  const { template, volumeClaimTemplates: claims = [] } = workload.spec;
  const pod = template.spec;
  const configMaps = manifests.filter(({ kind }) => kind === 'ConfigMap');
  const run = createContainer(t, { host, pod, claims, configMaps, secrets });
  const [{ command, ports, startupProbe, readinessProbe, livenessProbe }] = pod.containers;
  const server = run(command);
  const url = `http://${address}:${ports[0].containerPort}`;
  const isSuccess = ({ httpGet: { path, port } }: Json) => {
    if (port !== ports[0].name) throw new Error(`the pod has no port ${port}`);
    return sendRequest(`${url}${path}`, 'GET', undefined, { 'user-agent': 'kube-probe/1.30' }).then(
      ({ status }) => status >= 200 && status < 400,
      () => false,
    );
  };
  for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
    const end = Date.now() + startupProbe.periodSeconds * startupProbe.failureThreshold * 1_000;
    while (!(await isSuccess(probe))) {
      if (server.child.exitCode !== null || Date.now() > end)
        throw new Error(`${workload.metadata.name} is not ready:\n${server.output()}`);
      await sleep(100);
    }
  }
  return {
    ...{ name: workload.metadata.name, process: server },
    execute: async (command) => {
      const { ended, output } = run(command);
      const { code } = await ended;
      if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${output()}`);
      return output();
    },
  };
}
