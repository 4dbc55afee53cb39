import { describe, expect, test } from 'vitest';
import type { Target } from '../../../scripts/deploy/render.ts';
import { ConfigError } from '../../../src/framework/config/config.ts';
import { catchError, render, writeConfigFile } from './helper.ts';

/** A config that works in containers. Its lines can be replaced. */
const valid: Readonly<Record<string, string>> = {
  auth: 'false',
  internal: '{ key: "${INTERNAL_KEY}" }',
  services: '{ pet: { database: "sqlite:pet.db" }, user: { database: "${DATABASE_URL}" } }',
  apps: '{ gateway: { host: 0.0.0.0, port: 8000, services: [user] }, pet: { host: 0.0.0.0, port: 8001, services: [pet] } }',
};

function toText(changes: Readonly<Record<string, string | undefined>>): string {
  const lines = Object.entries({ ...valid, ...changes }).filter(([, value]) => value !== undefined);
  return lines.map(([key, value]) => `${key}: ${value}\n`).join('');
}

const withPet = (database: string) => ({
  services: `{ pet: { database: "${database}" }, user: { database: "\${DATABASE_URL}" } }`,
});
const withGateway = (gateway: string) => ({
  apps: `{ gateway: { ${gateway} }, pet: { host: 0.0.0.0, port: 8001, services: [pet] } }`,
});

type Case = [name: string, changes: Record<string, string | undefined>, message: string, target?: Target];
const cases: Case[] = [
  [
    'replicas with SQLite',
    {
      apps: '{ gateway: { host: 0.0.0.0, port: 8000, services: [user] }, pet: { host: 0.0.0.0, port: 8001, services: [pet], deploy: { replicas: 2 } } }',
    },
    'apps.pet.deploy.replicas: 2 replicas cannot share a database in SQLite. Use PostgreSQL, or instances',
  ],
  [
    'replicas with a database in memory',
    {
      ...withPet('sqlite::memory:'),
      apps: '{ gateway: { host: 0.0.0.0, port: 8000, services: [pet, user], deploy: { replicas: 3 } } }',
    },
    'apps.gateway.deploy.replicas: 3 replicas cannot share a database in SQLite. Use PostgreSQL, or instances',
  ],
  [
    'a split without a key',
    { internal: undefined },
    'internal.key is missing: apps in separate containers recognize each other by it. Write ${INTERNAL_KEY}',
  ],
  [
    'operations with security and no auth',
    { auth: undefined },
    'apps.gateway.host: other machines reach N operations that need a credential, and auth is missing: configure it, or write auth: false',
  ],
  [
    'a gateway on loopback',
    withGateway('port: 8000, services: [user]'),
    'apps.gateway.host: 127.0.0.1 is not reachable from outside the container. Write 0.0.0.0',
  ],
  [
    'an app on loopback by the default of a variable',
    withGateway('host: "${HOST:-localhost}", port: 8000, services: [user]'),
    'apps.gateway.host: localhost is not reachable from outside the container. Write 0.0.0.0',
  ],
  [
    'a port for root',
    withGateway('host: 0.0.0.0, port: 80, services: [user]'),
    'apps.gateway.port: a container without privileges needs a port from 1024 on, not 80',
  ],
  [
    'a port that is not known yet',
    withGateway('host: 0.0.0.0, port: "${PORT}", services: [user]'),
    'apps.gateway.port: the variable PORT has no value while manifests are written. Add a default: ${PORT:-value}',
  ],
  [
    'a limit that is not known yet',
    { limits: '{ rate: "${RATE}" }' },
    'limits.rate: the variable RATE has no value while manifests are written. Add a default: ${RATE:-value}',
  ],
  [
    'an app with a name of the manifests',
    { apps: '{ postgres: { host: 0.0.0.0, port: 8000, services: [pet, user] } }' },
    'apps.postgres: the manifests use the name postgres. Choose another',
  ],
  [
    'an app with the name of a NetworkPolicy',
    { apps: '{ default-deny: { host: 0.0.0.0, port: 8000, services: [pet, user] } }' },
    'apps.default-deny: the manifests use the name default-deny. Choose another',
  ],
  [
    'an app with a name that is no host name',
    { apps: '{ gateway-: { host: 0.0.0.0, port: 8000, services: [pet, user] } }' },
    'apps.gateway-: the name of a host has at most 52 characters and does not end with "-"',
  ],
  [
    'an app with a name of 53 characters',
    { apps: `{ ${'a'.repeat(53)}: { host: 0.0.0.0, port: 8000, services: [pet, user] } }` },
    `apps.${'a'.repeat(53)}: the name of a host has at most 52 characters and does not end with "-"`,
  ],
  [
    'a written key',
    { internal: '{ key: 0123456789abcdef0123456789abcdef-x }' },
    'internal.key holds a secret, which manifests must not contain. Write ${NAME}, and set the variable',
  ],
  [
    'a key with a default',
    { internal: '{ key: "${KEY:-0123456789abcdef}" }' },
    'internal.key holds a secret, which manifests must not contain. Write ${NAME}, and set the variable',
  ],
  [
    'a written key of a service',
    { internal: '{ key: "${INTERNAL_KEY}", keys: { pet: 0123456789abcdef } }' },
    'internal.keys.pet holds a secret, which manifests must not contain. Write ${NAME}, and set the variable',
  ],
  [
    'a written password in an option',
    {
      services:
        '{ auth: { database: "${DATABASE_URL}", options: { mail: { url: "smtp://app:hunter2@mail.example", from: app@shop.example, link: "https://shop.example/reset" } } } }',
      apps: '{ gateway: { host: 0.0.0.0, port: 8000, services: [auth] } }',
    },
    'services.auth.options.mail.url holds a secret, which manifests must not contain. Write ${NAME}, and set the variable',
  ],
  [
    'a written password of a database',
    withPet('postgres://app:hunter2@db.example/pet'),
    'services.pet.database holds a secret, which manifests must not contain. Write ${NAME}, and set the variable',
  ],
  [
    'a written password in the query of a database',
    withPet('postgres://db.example/pet?user=app&password=hunter2'),
    'services.pet.database holds a secret, which manifests must not contain. Write ${NAME}, and set the variable',
  ],
  [
    'a database on loopback',
    withPet('postgres://app@localhost:5432/pet'),
    'services.pet.database: localhost is the container itself. Write ${DATABASE_URL}, or the name of the server',
  ],
  [
    'a collector on loopback in Kubernetes',
    { traces: '{ url: "http://localhost:4318" }' },
    'traces.url: loopback is the pod itself. Write the address of a collector in the cluster',
    'kubernetes',
  ],
  [
    'two apps that write one file',
    { services: '{ pet: { database: "sqlite:data/x.db" }, user: { database: "sqlite:data/../data/x.db" } }' },
    'services.user.database is also the file of services.pet',
  ],
  [
    'two apps that run one service, and so write its file',
    {
      apps: '{ gateway: { host: 0.0.0.0, port: 8000, services: [pet, user] }, pet: { host: 0.0.0.0, port: 8001, services: [pet] } }',
    },
    'apps.pet.services: pet is also in apps.gateway',
  ],
  [
    'a mistake of the config',
    { calls: '{ deadline: 0 }' },
    'calls.deadline must be an integer from 1 to 60000, in ms',
  ],
];

describe('a config that would not work in containers is an error of one line', () => {
  for (const [name, changes, message, target = 'compose'] of cases) {
    test(name, (t) => {
      const file = writeConfigFile(t, toText(changes));
      const error = catchError(() => render(target, file));
      expect(error).toBeInstanceOf(ConfigError);
      // The contract says how many operations there are.
      expect((error as Error).message.replace(/ \d+ operations/, ' N operations')).toBe(
        `config.yaml: ${message}`,
      );
    });
  }
});

test('the config without these mistakes is accepted, whatever the environment holds', (t) => {
  const file = writeConfigFile(t, toText({}));
  for (const target of ['compose', 'kubernetes'] as const) {
    const files = render(target, file);
    process.env.INTERNAL_KEY = 'a-secret-of-the-environment';
    t.onTestFinished(() => void delete process.env.INTERNAL_KEY);
    expect(render(target, file)).toEqual(files);
    expect(JSON.stringify(files)).not.toContain('a-secret-of-the-environment');
  }
});
