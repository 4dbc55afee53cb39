import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { internalLimits } from '../../../src/framework/config/limits.ts';
import { fixtures, groupings, type Json, readCompose, render, writeConfigFile } from './helper.ts';

const apps = groupings.flatMap((grouping) =>
  Object.entries<Json>(readCompose(grouping).services)
    .filter(([name]) => name !== 'postgres')
    .map(([name, service]) => [grouping, name, service] as const),
);

const configs = Object.fromEntries(
  groupings.map((grouping) => [
    grouping,
    parse(render('compose', join(fixtures, `${grouping}.yaml`))['config.yaml'] as string),
  ]),
);

describe('every app is confined', () => {
  test.each(apps)('%s: %s', (grouping, name, service) => {
    expect(service.user).toBe('10001:10001');
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toContain('no-new-privileges:true');
    expect(service.privileged).toBeUndefined();
    expect(service.mem_limit).toMatch(/^\d+[mg]$/);
    expect(service.command[0]).toBe('node');
    const { instances = 1 } = configs[grouping].apps[name];
    // The parent of instances waits for them, and kills one that hangs.
    const stopMs = internalLimits.stopMs + (instances > 1 ? 3 * internalLimits.killMs : 0);
    expect(Number.parseInt(service.stop_grace_period, 10) * 1000).toBeGreaterThan(stopMs);
    expect(service.healthcheck.test.slice(0, 3)).toEqual(['CMD', 'node', '-e']);
    const port = { gateway: 8000, pet: 8001, user: 8002, auth: 8003 }[name];
    expect(service.healthcheck.test[3]).toContain(`127.0.0.1:${port}/health`);
  });
});

test.each(groupings)(
  '%s: only the gateway is published, on loopback; every volume is declared',
  (grouping) => {
    const { services, volumes } = readCompose(grouping);
    const published = Object.entries<Json>(services).filter(([, { ports }]) => ports !== undefined);
    expect(published.map(([name, { ports }]) => [name, ports])).toEqual([
      ['gateway', ['127.0.0.1:8000:8000']],
    ]);
    const mounted = Object.values<Json>(services).flatMap(({ volumes: own }) =>
      own.map((volume: string) => volume.split(':')[0]),
    );
    expect(mounted.sort()).toEqual(Object.keys(volumes).sort());
  },
);

test.each(groupings)('%s: a value of a secret is in no file', (grouping) => {
  const files = render('compose', join(fixtures, `${grouping}.yaml`));
  const { services } = parse(files['compose.yaml'] as string);
  for (const { environment, command } of Object.values<Json>(services)) {
    if (command?.[0] !== 'node') continue;
    const { NODE_ENV, ...variables } = environment;
    expect(NODE_ENV).toBe('production');
    for (const [name, value] of Object.entries(variables))
      expect(value).toMatch(
        new RegExp(
          `^(\\$\\{${name}:[?-]\\}|postgres://postgres:\\$\\{POSTGRES_PASSWORD:\\?\\}@postgres:5432/.*)$`,
        ),
      );
  }
  // Each variable that Compose requires is in the example.
  const required = [...(files['compose.yaml'] as string).matchAll(/\$\{(\w+):\?\}/g)].map(([, name]) => name);
  const example = [...(files['.env.example'] as string).matchAll(/^(\w+)=$/gm)].map(([, name]) => name);
  expect([...new Set(required)].sort()).toEqual(example.sort());
});

test('PostgreSQL is there for variables that are URLs of databases, and apps wait for it', () => {
  const { services } = readCompose('split-postgres');
  expect(services.postgres.image).toMatch(/^postgres:\d+/);
  expect(services.postgres.ports).toBeUndefined();
  expect(services.postgres.security_opt).toContain('no-new-privileges:true');
  expect(services.postgres.healthcheck.test).toContain('pg_isready');
  expect(services.pet.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
  expect(services.pet.environment.PET_DATABASE_URL).toContain('@postgres:5432/');
  expect(services.user.environment.USER_PASSWORD).toBe('${USER_PASSWORD:?}');
  expect(services.pet.deploy).toEqual({ replicas: 3 });
  expect(readCompose('one-sqlite').services).not.toHaveProperty('postgres');
});

test('a collector replaces the collector on loopback, and only that', (t) => {
  const text = `
auth: false
traces: { url: "http://127.0.0.1:4318" }
services: { pet: { database: sqlite:pet.db } }
apps: { gateway: { host: 0.0.0.0, port: 8000, services: [pet] } }
`;
  const files = render('compose', writeConfigFile(t, text));
  const { collector } = parse(files['compose.yaml'] as string).services;
  expect(collector.image).toMatch(/:\d+\.\d+\.\d+$/);
  expect(collector).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  expect(collector.ports).toBeUndefined();
  expect(parse(files['config.yaml'] as string).traces.url).toBe('http://collector:4318');
  const { receivers } = parse(files['collector.yaml'] as string);
  expect(receivers.otlp.protocols.http.endpoint).toBe('0.0.0.0:4318');
  expect(readCompose('split-postgres').services).not.toHaveProperty('collector');
});

test('a change of the config changes a label, so that Compose replaces the containers', (t) => {
  const hashOf = (level: string) => {
    const text = `
log: { level: ${level} }
auth: false
services: { pet: { database: sqlite:pet.db } }
apps: { gateway: { host: 0.0.0.0, port: 8000, services: [pet] } }
`;
    const files = render('compose', writeConfigFile(t, text));
    return parse(files['compose.yaml'] as string).services.gateway.labels['modular-monolith.config'];
  };
  expect(hashOf('info')).toBe(hashOf('info'));
  expect(hashOf('info')).not.toBe(hashOf('warn'));
});
