import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/framework/config/config.ts';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { configOf, find, groupings, type Json, listManifests, services, writeConfigFile } from './helper.ts';

const all = Object.fromEntries(groupings.map((grouping) => [grouping, listManifests(grouping)]));
const workloadsOf = (manifests: readonly Json[]) =>
  manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
const workloads = groupings.flatMap((grouping) =>
  workloadsOf(all[grouping] as Json[]).map(
    (one) => [`${grouping}: ${one.metadata.name}`, one, all[grouping] as Json[]] as const,
  ),
);
const pods = workloads.map(([name, one]) => [name, one.spec.template.spec, one] as const);

describe('every pod follows the restricted profile of Pod Security', () => {
  test.each(pods)('%s', (_name, pod) => {
    expect(pod.securityContext.runAsNonRoot).toBe(true);
    expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
    expect(pod.securityContext.seccompProfile).toEqual({ type: 'RuntimeDefault' });
    expect(pod.automountServiceAccountToken).toBe(false);
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers'])
      expect(pod).not.toHaveProperty(field);
    expect(pod.containers).toHaveLength(1);
    const [{ securityContext, ports }] = pod.containers;
    expect(securityContext.allowPrivilegeEscalation).toBe(false);
    expect(securityContext.capabilities).toEqual({ drop: ['ALL'] });
    expect(securityContext.readOnlyRootFilesystem).toBe(true);
    expect(securityContext).not.toHaveProperty('privileged');
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

describe('config and secrets', () => {
  test.each(workloads)('%s mounts the ConfigMap with the hash in its name', (_name, { spec }, manifests) => {
    const [{ metadata, immutable }] = manifests.filter(({ kind }) => kind === 'ConfigMap');
    const volume = spec.template.spec.volumes.find(({ name }: Json) => name === 'config');
    expect(metadata.name).toMatch(/^config-[0-9a-f]{10}$/);
    expect(volume.configMap.name).toBe(metadata.name);
    expect(immutable).toBe(true);
  });

  test.each(workloads)(
    '%s gets each variable of the config from the Secret',
    (_name, { spec }, manifests) => {
      const { data } = manifests.find(({ kind }) => kind === 'ConfigMap');
      const referenced = [...data['config.yaml'].matchAll(/\$\{(\w+)(:-)?/g)];
      const env: Json[] = spec.template.spec.containers[0].env.filter(
        ({ name }: Json) => name !== 'NODE_ENV',
      );
      expect(env.map(({ name }) => name)).toEqual([...new Set(referenced.map(([, name]) => name))].sort());
      for (const { name, value, valueFrom } of env) {
        expect(value).toBeUndefined();
        const hasDefault = referenced.some(([, other, standard]) => other === name && standard !== undefined);
        expect(valueFrom.secretKeyRef).toEqual({
          name: 'variables',
          key: name,
          ...(hasDefault && { optional: true }),
        });
      }
    },
  );

  test.each(groupings)('%s: the apps listen on all addresses and call each other by name', (grouping) => {
    const { apps, log, deploy } = configOf(all[grouping] as Json[]);
    for (const [name, { host, port, url, deploy }] of Object.entries<Json>(apps)) {
      expect(['0.0.0.0', '::']).toContain(host);
      expect(url).toBe(`http://${name}:${port}`);
      expect(deploy).toBeUndefined();
      const service = find(all[grouping] as Json[], 'Service', name);
      expect(service.spec.ports).toEqual([{ name: 'http', port, targetPort: 'http' }]);
    }
    expect(log?.directory).toBeUndefined();
    expect(deploy).toBeUndefined();
  });

  test.for(groupings)(
    '%s: the server accepts the config, with the variables of the Secret',
    (grouping, t) => {
      const { data } = (all[grouping] as Json[]).find(({ kind }) => kind === 'ConfigMap');
      const [{ spec }] = workloadsOf(all[grouping] as Json[]);
      const env: Json[] = spec.template.spec.containers[0].env;
      const values = env
        .filter(({ valueFrom }) => valueFrom !== undefined && valueFrom.secretKeyRef.optional !== true)
        .map(({ name }) => [
          name,
          name.endsWith('URL') ? 'postgres://app:x@db/app' : 'a-secret-of-24-characters',
        ]);
      const file = writeConfigFile(t, data['config.yaml']);
      const config = readConfig(file, services, Object.fromEntries(values));
      expect(Object.keys(config.apps)).toEqual(
        (all[grouping] as Json[])
          .filter(({ kind }) => kind === 'Service')
          .map(({ metadata }) => metadata.name),
      );
      for (const [name] of values) {
        const others = values.filter(([other]) => other !== name);
        expect(() => readConfig(file, services, Object.fromEntries(others))).toThrow(
          `variable ${name} is not set`,
        );
      }
    },
  );

  test('no manifest has the default of a database, which is for a laptop', () => {
    expect(JSON.stringify(all['one-postgres'])).not.toContain('localhost/monolith');
  });
});
