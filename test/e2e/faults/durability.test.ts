import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { Pool } from 'undici';
import { describe, expect, type TestContext, test } from 'vitest';
import { openDatabase } from '../../../src/framework/database/open-database.ts';
import { createPetRepository } from '../../../src/services/pet/repository.ts';
import { makeFolder } from '../../support/app.ts';
import { root, startProcess, startServer, writeConfig } from '../process/helper.ts';

const writer = join(root, 'test/e2e/process/writer.ts');
const canRun = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;

/** The number of kills. `.ci/run` sets more. */
const kills = Number(process.env.KILLS ?? 5);

test('every acknowledged write survives kill -9', {
  timeout: kills * 40_000,
}, async (t) => {
  const { folder, file } = writeConfig(t);
  const pets = join(folder, 'data/pet.db');
  const acknowledged = new Map<number, string>();
  for (let round = 1; round <= kills; round += 1) {
    const before = acknowledged.size;
    const { child, ended, url } = await startServer(t, file);
    const pool = new Pool(url, { connections: 50 });
    const headers = { 'content-type': 'application/json' };
    const clients = Array.from({ length: 50 }, async (_, client) => {
      for (let index = 0; ; index += 1) {
        const name = `${round} ${client} ${index}`;
        const body = JSON.stringify({ name, species: 'dog' });
        const response = await pool.request({ path: '/pet/pets/', method: 'POST', headers, body });
        const pet = (await response.body.json()) as { id: number; name: string };
        expect([response.statusCode, pet.name]).toEqual([200, name]);
        acknowledged.set(pet.id, name);
      }
    });
    const ends = Promise.allSettled(clients);
    const options = { interval: 1, timeout: 30_000 };
    await expect.poll(() => acknowledged.size, options).toBeGreaterThan(before + 50);
    await sleep(200 * Math.random());
    child.kill('SIGKILL');
    expect((await ended).signal).toBe('SIGKILL');
    for (const end of await ends) {
      expect(String((end as PromiseRejectedResult).reason)).toMatch(/socket|ECONNRE|closed|EPIPE/i);
    }
    await pool.destroy();
    const client = new Client(pets);
    expect(client.pragma('integrity_check', { simple: true })).toBe('ok');
    const rows = new Map(client.prepare<[], [number, string]>('SELECT id, name FROM pet').raw().all());
    client.close();
    const lost = [...acknowledged].filter(([id, name]) => rows.get(id) !== name);
    expect(lost, `round ${round}: lost of ${acknowledged.size}`).toEqual([]);
    expect(new Set(rows.values()).size, 'no write has two effects').toBe(rows.size);
  }
});

describe('the write-ahead log reaches the disk before the response is sent:', () => {
  /** Lists the events of a writer in order: `sync` for each flush of the log, and its acknowledgements. */
  async function trace(t: TestContext, how: string): Promise<string[]> {
    if (!canRun('strace', '-f', '-o', '/dev/null', 'true')) t.skip('strace is not there, or may not trace');
    const folder = makeFolder(t);
    const calls = join(folder, 'calls');
    const options = ['-f', '-y', '-e', 'trace=fsync,fdatasync,write', '-e', 'signal=none', '-o', calls];
    const file = join(folder, 'note.db');
    const { ended, output } = startProcess(t, 'strace', [...options, process.execPath, writer, how, file]);
    expect(await ended, output()).toEqual({ code: 0, signal: null });
    const traced = readFileSync(calls, 'utf8').split('\n');
    const events = traced.flatMap((line) => {
      if (/ f(data)?sync\(\d+<[^>]*-wal>/.test(line)) return 'sync';
      return / write\(1<[^>]*>, "(open|acknowledged [^\\]*)/.exec(line)?.[1] ?? [];
    });
    expect(events).toContain('open');
    return events.slice(events.indexOf('open') + 1);
  }
  const isSync = (event: string) => event === 'sync';

  test('for each of 50 writes, one after another', async (t) => {
    const events = await trace(t, 'one by one');
    const acknowledged = events.filter((event) => !isSync(event));
    expect(acknowledged).toHaveLength(50);
    for (const [index, event] of events.entries()) {
      if (!isSync(event)) expect(events[index - 1], `before ${event}`).toBe('sync');
    }
    expect(events.filter(isSync).length).toBeGreaterThanOrEqual(50);
  });

  test('once for 50 writes of one turn', async (t) => {
    const events = await trace(t, 'in one turn');
    const first = events.findIndex((event) => !isSync(event));
    expect(events.slice(0, first).length).toBeGreaterThanOrEqual(1);
    expect(events.slice(first).filter(isSync).length).toBeLessThan(3);
    expect(events.filter(isSync).length).toBeLessThan(5);
    expect(events.filter((event) => !isSync(event))).toHaveLength(50);
  });
});

test('the name of a new database reaches the disk before it is opened', async (t) => {
  if (!canRun('strace', '-f', '-o', '/dev/null', 'true')) t.skip('strace is not there, or may not trace');
  const folder = makeFolder(t);
  const calls = join(folder, 'calls');
  const data = join(folder, 'data');
  const options = ['-f', '-y', '-e', 'trace=link,linkat,openat,fsync', '-e', 'signal=none', '-o', calls];
  const { ended } = startProcess(t, 'strace', [
    ...options,
    process.execPath,
    writer,
    'nothing',
    join(data, 'note.db'),
  ]);
  expect((await ended).code).toBe(0);
  const lines = readFileSync(calls, 'utf8').split('\n');
  const hasName = (line: string) => line.includes(`${data}/note.db"`);
  const linked = lines.findIndex((line) => / link(at)?\(/.test(line) && hasName(line));
  expect(linked).toBeGreaterThan(-1);
  const later = lines.slice(linked + 1);
  const synced = later.findIndex((line) => / fsync\(/.test(line) && line.includes(`<${data}>`));
  expect(synced).toBeGreaterThan(-1);
  // SQLite flushes the folder too, but only after it has opened the file.
  expect(later.findIndex(hasName)).toBeGreaterThan(synced);
});

describe('a full disk fails all writes of a turn until there is space:', () => {
  async function fill(
    t: TestContext,
    command: string[],
    freeSpace: (pid: number) => void,
    file: string,
    filler = '',
  ) {
    const copy = join(makeFolder(t), 'copy.db');
    const [program, ...args] = [...command, process.execPath, writer, 'until full', file, filler, copy];
    const { child, waitForOutput, ended, output } = startProcess(t, program as string, args);
    const full = JSON.parse((await waitForOutput(/^full: (.*)\n/m))[1] as string);
    freeSpace(child.pid as number);
    child.kill('SIGUSR2');
    const later = JSON.parse((await waitForOutput(/^later: (.*)\n/m))[1] as string);
    expect(await ended, output()).toEqual({ code: 0, signal: null });
    // Failed writes have no effect, and all others are stored.
    expect(full.done.length).toBeGreaterThan(10);
    expect(full.file).toEqual(full.done);
    expect(full.copy).toEqual(full.done);
    expect(full.rows).toEqual([{ count: full.done.length }]);
    expect(later.done).toHaveLength(full.done.length + 9);
    expect(later.file).toEqual(later.done);
    return full.failed as number[][];
  }

  test('507 for a disk without space', async (t) => {
    const folder = makeFolder(t);
    const mount = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c'];
    const script = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"';
    if (!canRun(...(mount as [string]), script, folder, 'true')) t.skip('mounting is not permitted here');
    const paths = [join(folder, 'note.db'), join(folder, 'filler')] as const;
    const failed = await fill(t, [...mount, script, folder], () => {}, ...paths);
    expect(failed).toEqual([[507, 507, 507, 507, 507], [507]]);
  });

  test('503 for a file at its size limit', async (t) => {
    if (!canRun('prlimit', '--fsize=1000000:unlimited', 'true')) t.skip('prlimit is not installed');
    const freeSpace = (pid: number) =>
      expect(canRun('prlimit', '--pid', String(pid), '--fsize=unlimited:unlimited')).toBe(true);
    const file = join(makeFolder(t), 'note.db');
    const failed = await fill(t, ['prlimit', '--fsize=1000000:unlimited'], freeSpace, file);
    expect(failed).toEqual([[503, 503, 503, 503, 503], [503]]);
  });
});

test('the write-ahead log stays small: 20,000 pets one by one and in groups', async (t) => {
  const file = join(makeFolder(t), 'pet.db');
  const database = await openDatabase(`sqlite:${file}`, {
    migrations: new URL('../../../src/services/pet/migrations/', import.meta.url),
  });
  t.onTestFinished(() => database.close());
  const pets = createPetRepository(database, async () => {});
  const pet = { name: 'Rex', species: 'dog', age: 3, mood: 'happy' } as const;
  let largest = 0;
  let done = 0;
  for (const [turns, size] of [
    [4_000, 1],
    [3_000, 2],
    [100, 100],
  ] as const) {
    for (let turn = 0; turn < turns; turn += 1) {
      await Promise.all(Array.from({ length: size }, () => pets.create(pet)));
      done += size;
      largest = Math.max(largest, statSync(`${file}-wal`).size);
    }
  }
  expect(done).toBe(20_000);
  expect(await pets.list({ limit: 1, offset: 19_999 })).toHaveLength(1);
  expect(largest).toBeGreaterThan(0);
  expect(largest / 2 ** 20).toBeLessThan(16);
});
