import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { find, fixtures, groupings, type Json, listManifests, render, workloadsOf } from './helper.ts';

test.each(groupings)('%s: every selector selects the pods of one workload', (grouping) => {
  const manifests = listManifests(grouping);
  const workloads = workloadsOf(manifests);
  const selected = (labels: Record<string, string>) =>
    workloads
      .filter(({ spec }) =>
        Object.entries(labels).every(([name, value]) => spec.template.metadata.labels[name] === value),
      )
      .map(({ metadata }) => metadata.name);
  for (const { metadata, spec } of workloads) {
    expect(selected(spec.selector.matchLabels)).toEqual([metadata.name]);
    for (const { labelSelector } of spec.template.spec.topologySpreadConstraints ?? [])
      expect(selected(labelSelector.matchLabels)).toEqual([metadata.name]);
  }
  for (const { kind, metadata, spec } of manifests) {
    if (kind === 'Service') expect(selected(spec.selector)).toEqual([metadata.name]);
    if (kind === 'PodDisruptionBudget')
      expect([spec.maxUnavailable, selected(spec.selector.matchLabels)]).toEqual([1, [metadata.name]]);
  }
});

test.each(groupings)(
  '%s: every autoscaler scales a Deployment, up to three times its replicas',
  (grouping) => {
    const manifests = listManifests(grouping);
    for (const { spec } of manifests.filter(({ kind }) => kind === 'HorizontalPodAutoscaler')) {
      const { kind, name, apiVersion } = spec.scaleTargetRef;
      expect(find(manifests, kind, name)).toMatchObject({ apiVersion, kind: 'Deployment' });
      expect(spec.maxReplicas).toBe(3 * spec.minReplicas);
    }
  },
);

test.each(groupings)(
  '%s: every path of the Ingress leads to a Service, a port and a container',
  (grouping) => {
    const manifests = listManifests(grouping);
    const paths: Json[] = manifests
      .filter(({ kind }) => kind === 'Ingress')
      .flatMap(({ spec }) => spec.rules.flatMap(({ http }: Json) => http.paths));
    for (const { backend } of paths) {
      const { spec } = find(manifests, 'Service', backend.service.name);
      const [port] = spec.ports.filter(({ name }: Json) => name === backend.service.port.name);
      const workload = workloadsOf(manifests).find(({ metadata }) => metadata.name === backend.service.name);
      const [{ ports }] = workload.spec.template.spec.containers;
      expect(ports.map(({ name }: Json) => name)).toContain(port.targetPort);
    }
  },
);

test.each(groupings)('%s: the kustomization lists every other file', (grouping) => {
  const { 'kustomization.yaml': text, ...others } = render('kubernetes', join(fixtures, `${grouping}.yaml`));
  expect(parse(text as string).resources).toEqual(Object.keys(others));
});
