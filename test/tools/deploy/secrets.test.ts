import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../../src/framework/config/config.ts';
import {
  configOf,
  find,
  groupings,
  type Json,
  listManifests,
  listWorkloads,
  parseManifests,
  render,
  services,
  workloadsOf,
  writeConfigFile,
} from './helper.ts';

const all = Object.fromEntries(groupings.map((grouping) => [grouping, listManifests(grouping)]));
const workloads = listWorkloads();

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

  test('a database in SQLite by the default of a variable can still be another one', (t) => {
    const file = writeConfigFile(
      t,
      `auth: false
services: { pet: { database: "\${PET_URL:-sqlite:data/pet.db}" } }
apps: { gateway: { host: 0.0.0.0, port: 8000, services: [pet] } }
`,
    );
    const manifests = parseManifests(render('kubernetes', file));
    expect(configOf(manifests).services.pet.database).toBe('${PET_URL:-sqlite:/data/pet.db}');
    const { spec } = find(manifests, 'StatefulSet', 'gateway');
    expect(spec.template.spec.containers[0].env).toContainEqual({
      name: 'PET_URL',
      valueFrom: { secretKeyRef: { name: 'variables', key: 'PET_URL', optional: true } },
    });
    // The variable may name a server.
    const policy = find(manifests, 'NetworkPolicy', 'gateway');
    expect(policy.spec.egress.at(-1).ports).toEqual([{ protocol: 'TCP', port: 5432 }]);
    const { 'config.yaml': config } = render('compose', file);
    expect(parse(config as string).services.pet.database).toBe('${PET_URL:-sqlite:/data/pet.db}');
  });

  test.each(groupings)('%s: no manifest holds a secret, or a URL with a password', (grouping) => {
    const manifests = all[grouping] as Json[];
    expect(manifests.map(({ kind }) => kind)).not.toContain('Secret');
    const passwords = [...JSON.stringify(manifests).matchAll(/:\/\/[^:@/\s"]+:([^@/\s"]+)@/g)].map(
      ([, password]) => password,
    );
    for (const password of passwords) expect(password).toMatch(/^\$\{\w+\}$/);
    const { internal } = configOf(manifests);
    for (const key of [internal?.key, ...Object.values(internal?.keys ?? {})].filter(
      (key) => key !== undefined,
    ))
      expect(key).toMatch(/^\$\{\w+\}$/);
  });
});
