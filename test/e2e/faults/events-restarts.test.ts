import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPostgresDatabase } from '../../support/postgres-query.ts';
import { type PostgresServer, startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { waitFor } from '../groupings/helper.ts';
import { type App, createEventProject, replicaHosts } from '../process/event-project.ts';
import { expectOnce, expectOneConsumerAtATime, startEventLoad } from './event-helpers.ts';

/** How often the processes are replaced: few times every day, more in `.ci/nightly`. */
const restarts = Number(process.env.RESTARTS ?? 4);

let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgresIfAvailable();
});
afterAll(() => server?.stop());

test.for([
  ['one process', 'SQLite'],
  ['split', 'SQLite'],
  ['one process', 'PostgreSQL'],
  ['split', 'PostgreSQL'],
] as const)(
  'rolling restarts of two instances, %s on %s: each event has its effect once, and one instance consumes',
  {
    timeout: 120_000 + restarts * 40_000,
  },
  async ([layout, product], t) => {
    if (product === 'PostgreSQL' && server === undefined) return t.skip('PostgreSQL cannot be started here');
    const database =
      product === 'SQLite' ? undefined : await createPostgresDatabase(server as PostgresServer);
    const url = (service: string) => database ?? `sqlite:data/${service}.db`;
    const project = await createEventProject(t, { layout, instances: 2, url });
    for (const app of project.apps) await project.start(app);
    const load = startEventLoad(project, { clients: 4 });
    await load.goesOn(10);
    const countReplaced = (app: App) => project.process(app).output().split('"instance replaced"').length;
    for (let restart = 0; restart < restarts; restart += 1) {
      // All apps concurrently.
      await Promise.all(
        project.apps.map(async (app) => {
          const before = countReplaced(app);
          project.process(app).child.kill('SIGHUP');
          await waitFor(() => countReplaced(app) === before + 2);
        }),
      );
      await load.goesOn(10);
    }
    await load.stop();
    const numbers = await expectOnce(project, load);
    console.log(`${restarts} restarts of instances, ${layout}, ${product}: ${JSON.stringify(numbers)}`);
    expect([...load.statuses.keys()]).toEqual([200]);
    expectOneConsumerAtATime(project);
    expect(new Set(project.listHandled().map(([pid]) => pid)).size).toBeGreaterThan(1);
    expect(numbers['handlers ran again']).toBe(0);
  },
);

test('replicas are replaced in turn on PostgreSQL: each event has its effect once, and one replica consumes', {
  timeout: 120_000 + restarts * 40_000,
}, async (t) => {
  if (server === undefined) return t.skip('PostgreSQL cannot be started here');
  const database = await createPostgresDatabase(server);
  const project = await createEventProject(t, { layout: 'replicas', url: () => database });
  const { start, end } = project;
  for (const host of replicaHosts) await Promise.all([start('notes', { host }), start('readers', { host })]);
  await start('gateway');
  const load = startEventLoad(project, { clients: 4 });
  await load.goesOn(10);
  for (let restart = 0; restart < restarts; restart += 1) {
    const host = replicaHosts[restart % 2] as string;
    const replace = async (app: App) => {
      await end(app, 'SIGTERM', host);
      await load.goesOn(10);
      await start(app, { host });
    };
    await Promise.all([replace('notes'), replace('readers')]);
    await load.goesOn(10);
  }
  await load.stop();
  const numbers = await expectOnce(project, load);
  console.log(`${restarts} replacements of replicas: ${JSON.stringify(numbers)}`);
  expect([...load.statuses.keys()]).toEqual([200]);
  expectOneConsumerAtATime(project);
  expect(new Set(project.listHandled().map(([pid]) => pid)).size).toBeGreaterThan(1);
  expect(numbers['handlers ran again']).toBe(0);
});
