import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder, sendRequest } from '../../support/app.ts';
import { createPostgresDatabase } from '../../support/postgres-query.ts';
import { type PostgresServer, startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { main, startProcess } from '../process/helper.ts';
import { createNamespaces, type Namespace, relay } from './namespaces.ts';
import { findFaults, startLoad } from './replica-helpers.ts';

let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgresIfAvailable();
});
afterAll(() => server?.stop());

test('a gateway and two hosts in network namespaces: one host is cut off and comes back', {
  timeout: 240_000,
}, async (t) => {
  if (server === undefined) return t.skip('PostgreSQL cannot be started here');
  const network = createNamespaces(t, 3, ([, ...hosts]) =>
    hosts.map((address) => `${address} pet.internal user.internal`).join('\n'),
  );
  if (network === undefined)
    return t.skip('network namespaces cannot be created here: this needs root and ip');
  const [gateway, ...hosts] = network.hosts as [Namespace, Namespace, Namespace];
  const database = await createPostgresDatabase(server);
  const { pathname, port } = new URL(database);
  const relayed = `postgres://postgres@${network.bridge}:${await relay(t, network.bridge, Number(port))}${pathname}`;
  const folder = makeFolder(t);
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    `services:
  pet: { database: "${relayed}" }
  user: { database: "${relayed}" }
internal: { key: a-key-of-sixteen-or-more }
auth: false
apps:
  gateway: { host: 0.0.0.0, port: 8000, services: [] }
  pet: { host: 0.0.0.0, port: 8001, url: "http://pet.internal:8001", services: [pet] }
  user: { host: 0.0.0.0, port: 8002, url: "http://user.internal:8002", services: [user] }
calls: { deadline: 4000 }
limits: { rate: 0, wait: 60000 }
`,
  );
  const start = async ({ name }: Namespace, app: string) => {
    const command = [process.execPath, main, '--config', config, '--app', app];
    const started = startProcess(t, 'ip', ['netns', 'exec', name, ...command], { cwd: folder });
    await started.waitForOutput(/"msg":"listening"/);
    return started;
  };
  const [pets] = await Promise.all([
    Promise.all(hosts.map((host) => start(host, 'pet'))),
    Promise.all(hosts.map((host) => start(host, 'user'))),
    start(gateway, 'gateway'),
  ]);
  const url = `http://${gateway.address}:8000`;
  await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
  await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
  expect((await sendRequest(`${url}/user/users/1/pets/1`, 'POST')).status).toBe(200);
  const load = startLoad(url);
  await load.goesOn(100);
  const countAt = (index: number) => pets[index]?.output().split('/pet/pets').length ?? 0;
  expect([countAt(0), countAt(1)].every((count) => count > 20)).toBe(true);

  for (const [index, host] of hosts.entries()) {
    host.setLink('down');
    // The requests that were at that host end by their timeouts, at most twice the deadline.
    await sleep(10_000);
    await load.goesOn(20);
    const failed = () => [...load.outcomes].filter(([outcome]) => !outcome.endsWith('200'));
    const before = failed();
    await load.goesOn(300);
    expect(failed()).toEqual(before);
    const seen = countAt(index);
    host.setLink('up');
    await expect.poll(() => countAt(index), { timeout: 30_000 }).toBeGreaterThan(seen + 20);
    await load.goesOn(100);
  }
  await load.stop();
  const allowed = /^(read|write) (200|503|504)$/;
  expect([...load.outcomes.keys()].filter((outcome) => !allowed.test(outcome))).toEqual([]);
  expect(await findFaults(database, load.acknowledged)).toEqual([]);
  t.annotate(JSON.stringify(Object.fromEntries(load.outcomes)));
});
