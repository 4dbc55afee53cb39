import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCollector } from '../../support/collector.ts';
import { createPostgresDatabase, queryPostgres } from '../../support/postgres-query.ts';
import { type PostgresServer, startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { listManifests } from '../../tools/deploy/helper.ts';
import type { ComparedRequest } from '../groupings/compare.ts';
import { oneProcess, startGrouping, waitFor } from '../groupings/helper.ts';
import { startCluster } from './cluster/cluster.ts';
import {
  compare,
  expectConnections,
  outside,
  requests,
  stopPods,
  unavailable,
} from './cluster/expectations.ts';
import { relay } from './namespaces.ts';

let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgresIfAvailable();
});
afterAll(() => server?.stop());

test('services in pods, with two databases in PostgreSQL, respond like one process, and the policies hold', {
  timeout: 240_000,
}, async (t) => {
  if (server === undefined) return t.skip('PostgreSQL cannot be started here');
  const { pathname, port } = new URL(await createPostgresDatabase(server));
  await queryPostgres(server.url, 'CREATE ROLE app LOGIN');
  await queryPostgres(server.url, 'CREATE DATABASE "user" OWNER app');
  const collector = await startCollector(t);
  const cluster = await startCluster(t, {
    manifests: listManifests('split-postgres'),
    servers: ['db.example', 'collector.monitoring'],
    secrets: {
      INTERNAL_KEY: 'a-key-of-sixteen-or-more',
      PET_DATABASE_URL: `postgres://postgres@db.example:5432${pathname}`,
      USER_PASSWORD: 'a-password',
    },
    prepare: (node) =>
      Promise.all([
        relay(t, node, Number(port), 5_432),
        relay(t, node, Number(port), 6_432),
        relay(t, node, Number(new URL(collector.url).port), 4_318),
      ]),
  });
  if (cluster === undefined) return t.skip(unavailable);
  // There are no metrics and no Ingress to a service.
  await expectConnections(cluster, {
    'gateway:8000': ['ingress'],
    'pet:8001': ['gateway', 'user'],
    'user:8002': ['gateway'],
    'db.example:5432': ['pet', ...outside],
    'db.example:6432': ['user', ...outside],
    'collector.monitoring:4318': ['gateway', 'pet', 'user', ...outside],
  });
  const { url } = await startGrouping(t, oneProcess, { more: { docs: false, metrics: false } });
  // The gateway of a split shows generated/openapi.json, in which each service has a page of docs.
  const isGenerated = ({ path }: ComparedRequest) => path === '/openapi.json';
  expect(await compare({ url, requests }, { url: cluster.url, requests }, isGenerated)).toEqual([]);
  await waitFor(() => new Set(collector.spans.map(({ app }) => app)).size === 3);
  expect(await stopPods(cluster)).toEqual(cluster.pods.map(() => ({ code: 0, signal: null })));
});
