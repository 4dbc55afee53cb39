import { describe, expect, test } from 'vitest';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { configOf, find, groupings, type Json, listManifests, listWorkloads, workloadsOf } from './helper.ts';

const all = Object.fromEntries(groupings.map((grouping) => [grouping, listManifests(grouping)]));
const workloads = listWorkloads();
const pods = workloads.map(([name, one]) => [name, one.spec.template.spec, one] as const);

describe('every pod follows the restricted profile of Pod Security', () => {
  test.each(pods)('%s', (_name, pod) => {
    expect(pod.securityContext.runAsNonRoot).toBe(true);
    expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
    expect(pod.securityContext.seccompProfile).toEqual({ type: 'RuntimeDefault' });
    expect(pod.automountServiceAccountToken).toBe(false);
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers', 'ephemeralContainers'])
      expect(pod).not.toHaveProperty(field);
    for (const field of [
      'sysctls',
      'seLinuxOptions',
      'appArmorProfile',
      'windowsOptions',
      'supplementalGroups',
    ])
      expect(pod.securityContext).not.toHaveProperty(field);
    expect(pod.containers).toHaveLength(1);
    const [{ securityContext, ports }] = pod.containers;
    // Nothing else, because a container could undo what its pod says.
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    });
    expect(ports.every((port: Json) => port.hostPort === undefined && port.containerPort >= 1024)).toBe(true);
    for (const volume of pod.volumes)
      expect(['configMap', 'emptyDir'].some((type) => Object.hasOwn(volume, type))).toBe(true);
  });

  test.each(groupings)('the namespace of %s enforces it', (grouping) => {
    const namespace = (all[grouping] as Json[]).find(({ kind }) => kind === 'Namespace');
    expect(namespace.metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted');
    const others = (all[grouping] as Json[]).filter(({ kind }) => kind !== 'Namespace');
    expect(new Set(others.map(({ metadata }) => metadata.namespace))).toEqual(
      new Set([namespace.metadata.name]),
    );
  });
});

describe('every pod writes only into volumes, and finds every volume that it mounts', () => {
  test.each(pods)('%s', (_name, pod, { spec }) => {
    const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata }: Json) => metadata.name);
    const volumes = [...pod.volumes.map(({ name }: Json) => name), ...claims];
    const [{ volumeMounts }] = pod.containers;
    expect(volumes).toEqual(expect.arrayContaining(volumeMounts.map(({ name }: Json) => name)));
    const paths = volumeMounts.map(({ mountPath }: Json) => mountPath);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toContain('/tmp');
    // The server writes the registry of known databases beside the config.
    const config = volumeMounts.find(({ mountPath }: Json) => mountPath === '/config/config.yaml');
    expect(config).toMatchObject({ readOnly: true, subPath: 'config.yaml' });
    expect(volumeMounts.find(({ mountPath }: Json) => mountPath === '/config').readOnly).toBeUndefined();
  });
});

describe('probes, and the time to stop', () => {
  test.each(pods)('%s has three probes with the right paths', (_name, pod) => {
    const [{ startupProbe, livenessProbe, readinessProbe }] = pod.containers;
    expect(startupProbe.httpGet.path).toBe('/health');
    expect(livenessProbe.httpGet.path).toBe('/health');
    expect(readinessProbe.httpGet.path).toBe('/ready');
    expect(startupProbe.periodSeconds * startupProbe.failureThreshold * 1000).toBeGreaterThanOrEqual(
      internalLimits.startMs,
    );
    // A pod that does not respond gets no requests before it is restarted.
    const patience = ({ periodSeconds, failureThreshold }: Json) => periodSeconds * failureThreshold;
    expect(patience(livenessProbe)).toBeGreaterThan(patience(readinessProbe));
    for (const { timeoutSeconds = 1, periodSeconds } of [startupProbe, livenessProbe, readinessProbe])
      expect(timeoutSeconds).toBeLessThanOrEqual(periodSeconds);
  });

  test.each(workloads)('the probes of %s use the port of its app', (_name, { metadata, spec }, manifests) => {
    const [{ ports, startupProbe, livenessProbe, readinessProbe }] = spec.template.spec.containers;
    expect(ports).toEqual([{ name: 'http', containerPort: configOf(manifests).apps[metadata.name].port }]);
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe])
      expect(httpGet.port).toBe('http');
  });

  test.each(pods)('%s is killed after preStop and the drain at the earliest', (_name, pod) => {
    const [{ lifecycle, command }] = pod.containers;
    const pause = lifecycle.preStop.sleep.seconds;
    const drainMs = internalLimits.stopMs + internalLimits.killMs;
    expect(pause).toBeGreaterThan(0);
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(pause * 1000 + drainMs);
    // SIGTERM reaches Node, because no shell or npm is in between.
    expect(command[0]).toBe('node');
  });

  test('instances get the time that their parent waits for them', () => {
    const grace = (grouping: 'one-sqlite' | 'one-postgres') =>
      workloadsOf(all[grouping] as Json[])[0].spec.template.spec.terminationGracePeriodSeconds;
    // The pause, the drain and 5 s to spare, as docs/deployment.md has it.
    expect(grace('one-sqlite')).toBe(5 + internalLimits.stopMs / 1000 + 5);
    expect(grace('one-postgres') - grace('one-sqlite')).toBe((3 * internalLimits.killMs) / 1000);
  });
});

describe('every workload fits its database', () => {
  test.each(workloads)('%s', (_name, { kind, metadata, spec }, manifests) => {
    const config = configOf(manifests);
    const databases = config.apps[metadata.name].services.map(
      (name: string) => config.services[name].database,
    );
    const hasFiles = databases.some((url: string) => url.startsWith('sqlite:'));
    expect(kind).toBe(hasFiles ? 'StatefulSet' : 'Deployment');
    const helpers = manifests.filter((one) =>
      /^(PodDisruptionBudget|HorizontalPodAutoscaler)$/.test(one.kind),
    );
    const own = helpers.filter((one) => one.metadata.name === metadata.name);
    expect(own).toHaveLength(hasFiles ? 0 : 2);
    if (hasFiles) {
      expect(spec.replicas).toBe(1);
      expect(spec.serviceName).toBe(metadata.name);
      for (const claim of spec.volumeClaimTemplates)
        expect(claim.spec.accessModes).toEqual(['ReadWriteOncePod']);
      for (const url of databases) expect(url).toMatch(/^sqlite:\/data\//);
    } else {
      // The HorizontalPodAutoscaler sets it, and each `kubectl apply` would set it back.
      expect(spec).not.toHaveProperty('replicas');
      expect(spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
    }
  });

  test('replicas of the config are the least that the autoscaler keeps; the default is 2', () => {
    const least = (name: string) =>
      find(all['split-postgres'] as Json[], 'HorizontalPodAutoscaler', name).spec.minReplicas;
    expect([least('pet'), least('user')]).toEqual([3, 2]);
  });

  test.each(pods)('%s: the limit of memory is its request, and cores have no limit', (_name, pod) => {
    const [{ resources, command }] = pod.containers;
    expect(resources.limits).toEqual({ memory: resources.requests.memory });
    expect(resources.requests.cpu).toMatch(/^\d+m?$/);
    expect(command.filter((word: string) => word.startsWith('--max-old-space-size='))).toHaveLength(1);
  });

  test('memory is requested and limited, cores are only requested, and the heap of V8 is smaller', () => {
    const pod = find(all['split-postgres'] as Json[], 'Deployment', 'pet').spec.template.spec;
    const [{ resources, command }] = pod.containers;
    expect(resources).toEqual({ requests: { cpu: '500m', memory: '1Gi' }, limits: { memory: '1Gi' } });
    expect(command).toContain('--max-old-space-size=768');
  });

  test('storage of the config is the size of the volume', () => {
    const [data] = find(all['split-sqlite'] as Json[], 'StatefulSet', 'pet').spec.volumeClaimTemplates;
    expect(data.spec.resources.requests.storage).toBe('5Gi');
  });
});
