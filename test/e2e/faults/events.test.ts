import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { findFreePort, makeFolder, sendRequest } from '../../support/app.ts';
import { findDebianPostgres, type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { waitFor } from '../groupings/helper.ts';
import { root, startProcess, type TestProcess } from '../process/helper.ts';

/** How often a process is killed: few times every day, more in `.ci/run`. */
const rounds = Number(process.env.KILLS ?? 4);

let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgres({ bin: findDebianPostgres(), fsync: true }).catch(() => undefined);
});
afterAll(() => server?.stop());

type App = 'notes' | 'readers';

/** Starts the note service and its reader, each in a process, and returns what starts them again. */
async function startProcesses(t: TestContext, url: (service: string) => string) {
  const ports = { notes: await findFreePort(), readers: await findFreePort() };
  const config = JSON.stringify({
    services: { note: { database: url('note') }, reader: { database: url('reader') } },
    apps: {
      notes: { port: ports.notes, services: ['note'] },
      readers: { port: ports.readers, services: ['reader'] },
    },
  });
  const running = new Map<App, TestProcess>();
  async function start(app: App): Promise<void> {
    const script = join(root, 'test/e2e/process/events-server.ts');
    const child = startProcess(t, process.execPath, [script, app, config]);
    await child.waitForOutput(/ listens at /);
    running.set(app, child);
  }
  await Promise.all([start('notes'), start('readers')]);
  const address = (app: App) => `http://127.0.0.1:${ports[app]}`;
  return {
    start,
    async kill(app: App): Promise<void> {
      const child = running.get(app) as TestProcess;
      child.child.kill('SIGKILL');
      await child.ended;
    },
    addNotes: (texts: readonly string[]) =>
      sendRequest(`${address('notes')}/note/notes/`, 'POST', { subject: 'a', texts }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    listEffects: async () =>
      (await sendRequest(`${address('readers')}/reader/effects/`, 'GET')).body as string[],
  };
}

test.for([
  ['the producer', 'SQLite', ['notes']],
  ['the consumer', 'SQLite', ['readers']],
  ['both', 'PostgreSQL', ['notes', 'readers']],
] as const)(
  'kill -9 of %s on %s loses no event, and none has two effects',
  async ([, product, victims], t) => {
    if (product === 'PostgreSQL' && server === undefined) return t.skip('PostgreSQL cannot be started here');
    const folder = makeFolder(t);
    const schema = randomUUID().replaceAll('-', '');
    const url = (service: string) =>
      product === 'SQLite' ? `sqlite:${folder}/${service}.db` : `${server?.url}?schema=${service}${schema}`;
    const { start, kill, addNotes, listEffects } = await startProcesses(t, url);
    const acknowledged: string[] = [];
    let isOver = false;
    const load = (async () => {
      for (let index = 0; !isOver; index += 1) {
        const texts = [`${index}a`, `${index}b`];
        if (await addNotes(texts)) acknowledged.push(...texts);
        else await sleep(10);
      }
    })();
    for (let round = 0; round < rounds; round += 1) {
      for (const victim of victims) {
        await sleep(Math.random() * 300);
        await kill(victim);
        await start(victim);
      }
    }
    isOver = true;
    await load;
    const last = acknowledged.at(-1) as string;
    await waitFor(async () => (await listEffects()).includes(last));
    const effects = await listEffects();
    expect(effects.length, 'no event has two effects').toBe(new Set(effects).size);
    // An event that was not acknowledged may be there too: the producer was killed before its response.
    const known = new Set(acknowledged);
    expect(effects.filter((text) => known.has(text))).toEqual(acknowledged);
    expect(acknowledged.length).toBeGreaterThan(rounds);
  },
);
