import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queryPostgres } from '../../support/postgres-query.ts';
import { type PostgresServer, startPostgresIfAvailable } from '../../support/postgres-server.ts';
import { type App, createEventProject } from '../process/event-project.ts';
import { root } from '../process/helper.ts';
import { expectOnce, startEventLoad } from './event-helpers.ts';

/** How often a process is killed: few times every day, more in `.ci/nightly`. */
const kills = Number(process.env.KILLS ?? 4);

let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgresIfAvailable({ fsync: true });
});
afterAll(() => server?.stop());

test.for([
  ['SIGKILL', 'the producer', 'SQLite', 'split', ['notes']],
  ['SIGKILL', 'the consumer', 'SQLite', 'split', ['readers']],
  ['SIGKILL', 'the process of both', 'SQLite', 'one process', ['both']],
  ['SIGKILL', 'the producer', 'PostgreSQL', 'split', ['notes']],
  ['SIGKILL', 'the consumer', 'PostgreSQL', 'split', ['readers']],
  ['SIGKILL', 'the process of both', 'PostgreSQL', 'one process', ['both']],
  ['SIGTERM', 'one after the other', 'SQLite', 'split', ['notes', 'readers']],
] as const)(
  '%s of %s on %s, %s, loses no event, and none has two effects',
  {
    timeout: 120_000 + kills * 20_000,
  },
  async ([signal, , product, layout, victims], t) => {
    if (product === 'PostgreSQL' && server === undefined) return t.skip('PostgreSQL cannot be started here');
    const schema = randomUUID().replaceAll('-', '');
    const urls = { url: (service: string) => `${server?.url}?schema=${service}${schema}` };
    const project = await createEventProject(t, {
      layout,
      handlerMs: 4,
      ...(product === 'PostgreSQL' && urls),
    });
    const { start, end, apps, folder } = project;
    for (const app of apps) await start(app);
    const load = startEventLoad(project);
    await load.goesOn(1);
    const rounds = product === 'PostgreSQL' ? Math.ceil(kills / 5) : kills;
    /** Events that were durable when a producer was killed, and that no reader had seen. */
    let unread = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const victim of victims as readonly App[]) {
        await sleep(Math.random() * 300);
        await end(victim, signal);
        if (victim === 'readers') await load.goesOn(1);
        else
          unread +=
            product === 'SQLite' ? countUnread(folder) : await queryUnread(`${server?.url}`, `note${schema}`);
        await start(victim);
        // So that every round begins with a consumer that runs.
        await load.goesOn(3);
      }
    }
    await load.stop();
    const numbers = await expectOnce(project, load);
    console.log(`${rounds} ${signal} of ${victims} on ${product}: ${JSON.stringify({ ...numbers, unread })}`);
    expect(numbers.acknowledged).toBeGreaterThan(rounds);
  },
);

const unreadEvents = 'FROM __event WHERE position IS NULL';

function countUnread(folder: string): number {
  const client = new Client(join(folder, 'data/note.db'));
  const count = client.prepare(`SELECT count(*) ${unreadEvents}`).pluck().get() as number;
  client.close();
  return count;
}

async function queryUnread(url: string, schema: string): Promise<number> {
  const text = `SELECT count(*)::int ${unreadEvents.replace('__event', `"${schema}".__event`)}`;
  return (await queryPostgres(url, text))[0]?.[0] as number;
}

test.for([
  ['the producer', 'split', 'notes'],
  ['the consumer', 'split', 'readers'],
  ['the process of both', 'one process', 'both'],
] as const)(
  'the end of %s before or after any of its commits loses no event, and none has two effects',
  {
    timeout: 600_000,
  },
  async ([, layout, victim], t) => {
    const project = await createEventProject(t, { layout });
    const { start, apps } = project;
    const imports = [join(root, 'test/e2e/process/die-at-commit.ts')];
    for (const app of apps.filter((app) => app !== victim)) await start(app);
    await start(victim);
    const load = startEventLoad(project);
    await load.goesOn(1);
    await project.end(victim, 'SIGKILL');
    for (let number = 1; number <= 8; number += 1) {
      for (const side of ['before', 'after']) {
        // It may die before it listens.
        await start(victim, { imports, env: { DIE_AT: `${side} ${number}` } }).catch(() => {});
        expect((await project.process(victim).ended).signal).toBe('SIGKILL');
      }
    }
    await start(victim);
    await load.goesOn(1);
    await load.stop();
    console.log(`the end of ${victim} at each commit: ${JSON.stringify(await expectOnce(project, load))}`);
  },
);
