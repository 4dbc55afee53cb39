import { expect, test } from 'vitest';
import { listManifests } from '../../tools/deploy/helper.ts';
import { oneProcess, startGrouping } from '../groupings/helper.ts';
import { startCluster } from './cluster/cluster.ts';
import {
  compare,
  expectConnections,
  outside,
  requests,
  stopPods,
  unavailable,
} from './cluster/expectations.ts';

test('services in pods, with SQLite, respond like one process, and the policies hold', {
  timeout: 240_000,
}, async (t) => {
  const manifests = listManifests('split-sqlite');
  const cluster = await startCluster(t, { manifests, secrets: { INTERNAL_KEY: 'a-key-of-sixteen-or-more' } });
  if (cluster === undefined) return t.skip(unavailable);
  await expectConnections(cluster, {
    'gateway:8000': ['ingress', 'monitoring'],
    'pet:8001': ['gateway', 'user', 'ingress', 'monitoring'],
    'user:8002': ['gateway', 'ingress', 'monitoring'],
    // Other pods of the namespace, and servers outside.
    'intruder:8000': [],
    'stranger:5432': outside,
  });
  const { url } = await startGrouping(t, oneProcess);
  expect(await compare({ url, requests }, { url: cluster.url, requests })).toEqual([]);
  expect(await stopPods(cluster)).toEqual(cluster.pods.map(() => ({ code: 0, signal: null })));
});
