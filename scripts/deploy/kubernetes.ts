import { basename } from 'node:path';
import { ConfigError } from '../../src/framework/config/config.ts';
import { type ContainerConfig, hasLocalCollector, writeContainerConfig } from './container-config.ts';
import { type Files, toYaml } from './files.ts';
import { labelsOf, type Manifest, selectorOf } from './manifest.ts';
import { createIngress, createPolicies, createService } from './network.ts';
import type { DeployedApp, System } from './system.ts';
import { configName, createWorkload } from './workload.ts';

/**
 * Writes the manifests for Kubernetes, by the names of their files.
 * @throws {ConfigError} if the collector is on loopback.
 */
export function writeKubernetes(system: System): Files {
  if (hasLocalCollector(system)) {
    const file = basename(system.config.file);
    throw new ConfigError(
      `${file}: traces.url: loopback is the pod itself. Write the address of a collector in the cluster`,
    );
  }
  const config = writeContainerConfig(system);
  const ingress = createIngress(system);
  const manifests: Record<string, readonly Manifest[]> = {
    'namespace.yaml': [createNamespace(system)],
    'config.yaml': [createConfigMap(system, config)],
    'network-policies.yaml': createPolicies(system),
    ...(ingress && { 'ingress.yaml': [ingress] }),
    ...Object.fromEntries(system.apps.map((app) => [`app-${app.name}.yaml`, createApp(system, app, config)])),
  };
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: Object.keys(manifests),
  };
  const all = { 'kustomization.yaml': [kustomization], ...manifests };
  return Object.fromEntries(Object.entries(all).map(([name, objects]) => [name, toYaml(...objects)]));
}

function createApp(system: System, app: DeployedApp, config: ContainerConfig): Manifest[] {
  const scaling = app.isStateful ? [] : [createDisruptionBudget(system, app), createAutoscaler(system, app)];
  return [createWorkload(system, app, config), createService(system, app), ...scaling];
}

function createNamespace({ namespace }: System): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace,
      labels: {
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/warn': 'restricted',
      },
    },
  };
}

/** The name changes with the content, so that a change of the config replaces the pods, and an undo finds the old one. */
function createConfigMap({ namespace }: System, config: ContainerConfig): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: configName(config), namespace },
    immutable: true,
    data: { 'config.yaml': config.text },
  };
}

/** Lets a node be drained, but takes one replica at a time. */
function createDisruptionBudget(system: System, { name }: DeployedApp): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: system.namespace, labels: labelsOf(system, name) },
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(name) } },
  };
}

function createAutoscaler(system: System, { name, replicas }: DeployedApp): Manifest {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: system.namespace, labels: labelsOf(system, name) },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: replicas,
      maxReplicas: 3 * replicas,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
        },
      ],
    },
  };
}
