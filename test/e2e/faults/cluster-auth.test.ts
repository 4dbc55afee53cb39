import { expect, type TestContext, test } from 'vitest';
import { sendRequest } from '../../support/app.ts';
import { authService } from '../../support/auth-service.ts';
import { createPostgresDatabase } from '../../support/postgres-query.ts';
import { startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { listManifests } from '../../tools/deploy/helper.ts';
import { isOfGateway, withToken } from '../groupings/compare.ts';
import { oneProcess, startGrouping } from '../groupings/helper.ts';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import {
  compare,
  expectConnections,
  outside,
  requests,
  stopPods,
  unavailable,
} from './cluster/expectations.ts';
import { relay } from './namespaces.ts';

const scopes = ['pet:read', 'pet:write', 'user:read'];
const root = { email: 'root@example.com', password: 'three brown kettles' };

/** Creates the first account in the pod of the issuer, and returns a token of it with these scopes. */
async function createToken({ pods, url }: Cluster): Promise<string> {
  const auth = pods.find(({ name }) => name === 'auth');
  const command = `echo ${root.password} | node scripts/auth.ts admin ${root.email} --config /config/config.yaml`;
  expect(await auth?.execute(['sh', '-c', command])).toContain('new user 1');
  const logIn = async (): Promise<string> =>
    (await sendRequest(`${url}/auth/login`, 'POST', root)).body.access_token;
  const headers = { authorization: `Bearer ${await logIn()}` };
  expect((await sendRequest(`${url}/auth/users/1`, 'PATCH', { scopes }, headers)).status).toBe(200);
  return logIn();
}

/** Returns a token of the first account of one process. */
async function registerOnce(url: string): Promise<string> {
  await sendRequest(`${url}/auth/users/`, 'POST', root);
  return (await sendRequest(`${url}/auth/login`, 'POST', root)).body.access_token;
}

async function startDatabase(t: TestContext) {
  const server = await startPostgresIfAvailable();
  if (server !== undefined) t.onTestFinished(() => server.stop());
  return server;
}

test.skipIf(authService === undefined)(
  'services in pods, with an issuer of tokens in PostgreSQL, respond like one process, and the policies hold',
  { timeout: 240_000 },
  async (t) => {
    const server = await startDatabase(t);
    if (server === undefined) return t.skip('PostgreSQL cannot be started here');
    const { pathname, port } = new URL(await createPostgresDatabase(server));
    const cluster = await startCluster(t, {
      manifests: listManifests('auth-mixed'),
      servers: ['db.example', 'mail.example'],
      secrets: {
        INTERNAL_KEY: 'a-key-of-sixteen-or-more',
        USER_KEY: 'another-key-of-sixteen-or-more',
        SMTP_PASSWORD: 'secret',
        AUTH_DATABASE_URL: `postgres://postgres@db.example:5432${pathname}`,
      },
      prepare: (node) => relay(t, node, Number(port), 5_432),
    });
    if (cluster === undefined) return t.skip(unavailable);
    await expectConnections(cluster, {
      'gateway:8000': ['ingress', 'monitoring'],
      'pet:8001': ['gateway', 'monitoring'],
      'auth:8003': ['gateway', 'pet', 'monitoring'],
      'db.example:5432': ['auth', ...outside],
      'mail.example:2525': ['auth', ...outside],
      'mail.example:25': outside,
    });
    const accounts = { register: 'open', scopes };
    const more = { auth: { issuer: 'auth' } };
    const { url } = await startGrouping(t, oneProcess, { accounts, more });
    const found = await compare(
      { url, requests: withToken(requests, await registerOnce(url)) },
      { url: cluster.url, requests: withToken(requests, await createToken(cluster)) },
      isOfGateway,
    );
    expect(found).toEqual([]);
    expect(await stopPods(cluster)).toEqual(cluster.pods.map(() => ({ code: 0, signal: null })));
  },
);
