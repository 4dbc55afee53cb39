/** Measures events: what one costs its write, how soon it has its effect, and how fast a consumer catches up. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import { sql } from '../src/framework/database/drizzle.ts';
import type { CloudEvent } from '../src/framework/events/event-schemas.ts';
import type { OpenApiDocument } from '../src/framework/openapi/response-contract.ts';
import type { Service } from '../src/framework/service/define-service.ts';
import { defineService } from '../src/framework/service/define-service.ts';
import { createTestApp, type TestApp } from '../src/framework/testing/index.ts';
import type { Bench, Result, Row } from './result.ts';

const migrations = new URL('../test/fixtures/effects/migrations/', import.meta.url);
/** Concurrent writes. */
const concurrency = 50;
/** Events that wait for a consumer, and those whose way to the effect is timed. */
const waiting = 20_000;
const timed = 100;
const eventsPerWrite = 100;

const row = { row: 'events', against: '' } as const;

const note = defineService({
  name: 'note',
  description: 'Notes',
  migrations,
  events: { 'note.added': Type.Object({ text: Type.String() }) },
  routes(app, { database, emit }) {
    const insert = database.prepare(sql`INSERT INTO effect (event) VALUES ('a note')`);
    const querystring = Type.Object({ events: Type.Integer({ minimum: 0, maximum: eventsPerWrite }) });
    app.post('/notes/', { schema: { hide: true, querystring } }, async ({ query: { events } }) => {
      await database.write(async () => {
        await insert.run();
        for (let index = 0; index < events; index += 1)
          await emit('note.added', { subject: index, data: { text: 'a note' } });
      });
      return { ok: true };
    });
  },
}) as unknown as Service;

const reader = defineService({
  name: 'reader',
  description: 'Reads notes',
  migrations,
  peers: ['note'] as never[],
  routes(app, { database, peers }) {
    const insert = database.prepare(sql`INSERT INTO effect (event) VALUES (${sql.placeholder('event')})`);
    const count = database.prepare(sql`SELECT count(*) FROM effect`);
    const { note } = peers as unknown as { note: { events(handlers: object): void } };
    note.events({
      'note.added':
        ({ id }: CloudEvent) =>
        () =>
          insert.run({ event: id }),
    });
    app.get('/effects/', { schema: { hide: true } }, async () => ({
      count: ((await count.get()) as [number])[0],
    }));
  },
}) as unknown as Service;

export const events: Row = {
  name: 'events',
  work: 'events between two services',
  against: 'the same write without an event',
  async run(bench) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-events-'));
    try {
      return [
        await measureWrites(bench, folder),
        await measureLatency(folder, false),
        await measureLatency(folder, true),
        await measureCatchUp(folder),
      ];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Starts an app that the returned function stops. */
async function start(folder: string, services: readonly Service[], split = false) {
  const stops: (() => Promise<void> | void)[] = [];
  const lifetime = { onTestFinished: (stop: () => Promise<void> | void) => void stops.push(stop) };
  const database = ({ name }: Service) => ({ database: `sqlite:${folder}/${name}-${split}.db` });
  const config = {
    log: { level: 'error' },
    services: Object.fromEntries(services.map((service) => [service.name, database(service)])),
  };
  const contract = services.length > 1 ? await readContract() : undefined;
  const app = await createTestApp(lifetime, { services, split, config, ...(contract && { contract }) });
  return { app, stop: async () => void (await Promise.all(stops.map((stop) => stop()))) };
}

let contract: OpenApiDocument | undefined;

async function readContract(): Promise<OpenApiDocument> {
  if (contract !== undefined) return contract;
  const stops: (() => Promise<void> | void)[] = [];
  const app = await createTestApp({ onTestFinished: (stop) => void stops.push(stop) }, { services: [note] });
  contract = (await app.get('/openapi.json')).body as OpenApiDocument;
  for (const stop of stops) await stop();
  return contract;
}

async function measureWrites({ pairs, warmUps, seconds }: Bench, folder: string): Promise<Result> {
  const { app, stop } = await start(folder, [note]);
  const values: number[] = [];
  for (let pair = -warmUps; pair < pairs; pair += 1) {
    const plain = await countWrites(app, 0, seconds);
    const emitting = await countWrites(app, 1, seconds);
    if (pair >= 0) values.push(emitting / plain);
  }
  await stop();
  const work = `${concurrency} concurrent writes with an event, relative to the same writes without`;
  return { ...row, work, against: events.against, values, goal: { atLeast: 0.8 } };
}

async function countWrites(app: TestApp, count: number, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1_000;
  let writes = 0;
  const client = async () => {
    while (performance.now() < end) {
      await app.post(`/note/notes/?events=${count}`);
      writes += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  return writes;
}

/** The time from the response of a write to its effect, as another request sees it. */
async function measureLatency(folder: string, split: boolean): Promise<Result> {
  const { app, stop } = await start(folder, [note, reader], split);
  await app.untilEventsHandled();
  const read = async () => (await app.get('/reader/effects/')).body.count as number;
  const values: number[] = [];
  for (let index = 0; index < timed; index += 1) {
    const before = await read();
    await app.post('/note/notes/?events=1');
    const begun = performance.now();
    while ((await read()) === before) {}
    values.push(performance.now() - begun);
    await sleep(20 + Math.random() * 40);
  }
  await stop();
  const where = split ? 'in separate apps' : 'in one app';
  return {
    ...row,
    work: `from an acknowledged write to its effect, ${where}`,
    unit: 'ms',
    values,
    goal: { atMost: 20 },
  };
}

async function measureCatchUp(folder: string): Promise<Result> {
  const writer = await start(folder, [note]);
  for (let count = 0; count < waiting; count += eventsPerWrite)
    await writer.app.post(`/note/notes/?events=${eventsPerWrite}`);
  await writer.stop();
  const { app, stop } = await start(folder, [note, reader]);
  const begun = performance.now();
  await app.untilEventsHandled();
  const values = [waiting / ((performance.now() - begun) / 1_000)];
  await stop();
  const work = 'events per second of a consumer that catches up';
  return { ...row, work, unit: '/s', values, goal: { atLeast: 2_000 } };
}
