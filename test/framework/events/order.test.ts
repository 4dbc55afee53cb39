import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Database } from '../../../src/framework/database/database.ts';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { type FeedStore, openFeedStore } from '../../../src/framework/events/feed-store.ts';
import { newDatabase } from './helper.ts';

const writers = 20;
/** The events of each writer; `.ci/nightly` sets more. */
const events = Number(process.env.EVENTS ?? 100);
/** Every write of a slow writer is slow, or every tenth of 3,000. */
const slowEvery = Math.ceil(events / 300);

test('readers miss no event of writers that commit late or roll back, and see one order', {
  timeout: 60_000 + events * 400,
}, async (t) => {
  const url = newDatabase(t);
  const open = async () => {
    const migrations = new URL('../../fixtures/effects/migrations/', import.meta.url);
    const database = await openDatabase(url, { migrations, service: 'note', timeoutMs: 30_000 });
    t.onTestFinished(() => database.close());
    return { database, store: await openFeedStore(database) };
  };
  // As two processes: connections of their own, and no state in common.
  const opened = [await open(), await open()] as const;
  let isWriting = true;
  const committed: string[] = [];
  const read = opened.map(({ store }) => readAll(store, () => isWriting));
  await Promise.all(
    Array.from({ length: writers }, (_, writer) => {
      const { database, store } = opened[writer % 2] as (typeof opened)[number];
      return write(database, store, writer, committed);
    }),
  );
  isWriting = false;
  const [one, other] = await Promise.all(read);
  expect(one?.length).toBe(committed.length);
  expect(new Set(one)).toEqual(new Set(committed));
  expect(other).toEqual(one);
  // The events of one writer are in the order of its writes.
  for (let writer = 0; writer < writers; writer += 1) {
    const own = (list: readonly string[] = []) => list.filter((id) => id.startsWith(`${writer}:`));
    expect(own(one)).toEqual(own(committed));
  }
});

async function write(
  database: Database,
  store: FeedStore,
  writer: number,
  committed: string[],
): Promise<void> {
  const pause = database.prepare(sql`SELECT count(*) FROM effect`);
  for (let index = 0; index < events; index += 1) {
    const subject = `${writer}:${index}`;
    const isFailing = (writer + index) % 20 === 7;
    const written = database.write(async () => {
      await store.append({ type: 'note.added', subject, time: index, data: '{}', traceparent: null });
      // A slow write commits after writes that began later.
      const isSlow = writer % 4 === 0 && index % slowEvery === 0;
      for (let step = 0; step < (isSlow ? (index / slowEvery) % 60 : 0); step += 1) await pause.get();
      if (isFailing) throw new Error('rolled back');
    });
    const isCommitted = await written.then(
      () => true,
      () => false,
    );
    expect(isCommitted).toBe(!isFailing);
    if (isCommitted) committed.push(subject);
  }
}

/** Reads as a consumer does, in pages, until nothing is left. */
async function readAll(store: FeedStore, isWriting: () => boolean): Promise<string[]> {
  const subjects: string[] = [];
  let after = 0;
  for (;;) {
    const isLast = !isWriting();
    // The reads of one turn of a connection share a snapshot, in which a commit of another one may be missing.
    await turn();
    await store.assignPositions();
    const page = await store.read(after, 50, undefined);
    subjects.push(...page.map(({ subject }) => subject));
    after = page.at(-1)?.position ?? after;
    if (page.length === 0 && isLast) return subjects;
    if (page.length === 0) await sleep(2);
  }
}
