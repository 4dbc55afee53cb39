import {
  cpSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import { watchDatabaseFiles } from '../../../../src/framework/database/sqlite/file-watch.ts';
import pet from '../../../../src/services/pet/index.ts';
import { createTestApp, makeFolder } from '../../../support/app.ts';

const rex = { name: 'Rex', species: 'dog' };
const lost = 'the database files changed: writes are rejected';
const back = 'the database files are back: writes are accepted';
const pollOptions = { timeout: 20_000, interval: 50 };

/** Starts a server with one pet. Its database is in a separate folder. */
async function start(t: TestContext, file = join(makeFolder(t), 'data/pet.db'), path = file) {
  mkdirSync(dirname(file), { recursive: true });
  const built = await createTestApp(t, {
    services: [pet],
    config: { services: { pet: { database: `sqlite:${path}` } } },
  });
  const create = () => built.send('POST', '/pet/pets/', rex);
  const ready = () => built.send('GET', '/pet/ready');
  expect([(await create()).status, (await ready()).status]).toEqual([200, 200]);
  return {
    ...built,
    file,
    create,
    ready,
    listLogged: () => built.logs.filter(({ msg }) => msg === lost || msg === back),
  };
}

/** The names of the pets that the next start finds. */
function listPets(file: string): unknown[] {
  const client = new Client(file, { fileMustExist: true });
  try {
    return client.prepare('SELECT name FROM pet').pluck().all();
  } finally {
    client.close();
  }
}

const both = ['', '-wal', '-shm'];
const move = (file: string, ends: readonly string[], to: string) => {
  for (const end of ends) renameSync(`${file}${end}`, `${to}${end}`);
};

describe('writes are rejected with 503, and the service is not ready, when', () => {
  // Concurrent, because each test waits for the next check.
  test.concurrent.for<[string, (file: string) => void, RegExp]>([
    ['the database file is removed', (file) => rmSync(file), /removed, moved or replaced/],
    ['all its files are removed', (file) => both.map((end) => rmSync(`${file}${end}`)), /removed, moved/],
    ['it is moved', (file) => renameSync(file, `${file}.moved`), /removed, moved or replaced/],
    ['its folder is moved', (file) => renameSync(dirname(file), `${dirname(file)}.moved`), /removed, moved/],
    [
      'it is replaced by a copy',
      (file) => {
        cpSync(file, `${file}.copy`);
        renameSync(`${file}.copy`, file);
      },
      /removed, moved or replaced/,
    ],
    ['its write-ahead log is removed', (file) => rmSync(`${file}-wal`), /^its write-ahead log was removed/],
    [
      'its write-ahead log is replaced',
      (file) => {
        rmSync(`${file}-wal`);
        writeFileSync(`${file}-wal`, '');
      },
      /^its write-ahead log was removed, moved or replaced/,
    ],
    ['its write-ahead log is truncated to 0 bytes', (file) => truncateSync(`${file}-wal`), /was truncated$/],
    ['its write-ahead log is truncated', (file) => truncateSync(`${file}-wal`, 5_000), /was truncated$/],
    ['it is truncated to 0 bytes', (file) => truncateSync(file), /was truncated$/],
    ['it is truncated', (file) => truncateSync(file, 8_192), /was truncated$/],
  ])('%s', async ([, damage, reason], t) => {
    const { expect } = t;
    const { file, create, ready, send, listLogged } = await start(t);
    damage(file);
    await expect.poll(async () => (await ready()).status, pollOptions).toBe(503);
    const { body } = await ready();
    expect(body.checks).toEqual({ database: 'failed' });
    const response = await create();
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(JSON.stringify(response.body)).not.toContain(dirname(file));
    expect((await send('GET', '/pet/health')).status).toBe(200);
    expect(listLogged()).toEqual([
      expect.objectContaining({ level: 'error', service: 'pet', reason: expect.stringMatching(reason) }),
    ]);
    expect(listLogged()[0]?.remedy).toMatch(/restore a backup|SIGTERM/);
  });
});

test('writes are accepted again when the same files are back, and no row is lost', async (t) => {
  const { app, file, create, ready, listLogged } = await start(t);
  const elsewhere = join(makeFolder(t), 'pet.db');
  move(file, both, elsewhere);
  await expect.poll(async () => (await ready()).status, pollOptions).toBe(503);
  expect((await create()).status).toBe(503);
  move(elsewhere, both, file);
  await expect.poll(async () => (await ready()).status, pollOptions).toBe(200);
  expect((await create()).status).toBe(200);
  expect(listLogged().map(({ msg }) => msg)).toEqual([lost, back]);
  await app.stop();
  expect(listPets(file)).toEqual(['Rex', 'Rex']);
});

test('a truncated database stays rejected when it has its old size again', async (t) => {
  const { file, ready, listLogged } = await start(t);
  truncateSync(file);
  await expect.poll(async () => (await ready()).status, pollOptions).toBe(503);
  truncateSync(file, 1_000_000);
  await sleep(2_500);
  expect([(await ready()).status, listLogged().length]).toEqual([503, 1]);
});

test('a server whose write-ahead log was removed writes the log into the file when it stops', async (t) => {
  const { app, file, create, ready } = await start(t);
  expect((await create()).status).toBe(200);
  rmSync(`${file}-wal`);
  await expect.poll(async () => (await ready()).status, pollOptions).toBe(503);
  await app.stop();
  expect(listPets(file)).toEqual(['Rex', 'Rex']);
});

test('another process may write, shrink and checkpoint the database', async (t) => {
  const { file, create, ready, listLogged } = await start(t);
  const client = new Client(file, { timeout: 5_000 });
  t.onTestFinished(() => void client.close());
  client.exec('CREATE TABLE filler (bytes BLOB)');
  const end = performance.now() + 2_500;
  while (performance.now() < end) {
    client.exec('INSERT INTO filler VALUES (zeroblob(3000000))');
    client.pragma('wal_checkpoint(TRUNCATE)');
    expect((await create()).status).toBe(200);
    client.exec('DELETE FROM filler; VACUUM');
    client.pragma('wal_checkpoint(TRUNCATE)');
    expect([(await create()).status, (await ready()).status]).toEqual([200, 200]);
  }
  expect(listLogged()).toEqual([]);
});

test('a database behind a link is watched at its real path', async (t) => {
  const file = join(makeFolder(t), 'elsewhere.db');
  const link = join(makeFolder(t), 'pet.db');
  symlinkSync(dirname(file), `${link}.folder`);
  const { ready, listLogged } = await start(t, file, join(`${link}.folder`, 'elsewhere.db'));
  await sleep(2_500);
  expect([(await ready()).status, listLogged()]).toEqual([200, []]);
  linkSync(file, `${file}.second`);
  rmSync(file);
  await expect.poll(async () => (await ready()).status, pollOptions).toBe(503);
});

test('files that are moved during a check are reported as moved, not as truncated, and may come back', async (t) => {
  const file = join(makeFolder(t), 'pet.db');
  const elsewhere = join(makeFolder(t), 'pet.db');
  const client = new Client(file);
  client.pragma('journal_mode = WAL');
  client.exec('CREATE TABLE pet (id INTEGER)');
  let checks = 0;
  // Called between the two steps of a check: first it compares the paths, then the sizes.
  const watch = watchDatabaseFiles(client, file, () => {
    checks += 1;
    if (checks === 1) move(file, both, elsewhere);
  });
  t.onTestFinished(() => {
    watch.close();
    client.close();
  });
  await expect
    .poll(() => watch.damage()?.reason, pollOptions)
    .toBe('its file was removed, moved or replaced');
  move(elsewhere, both, file);
  await expect.poll(() => watch.damage(), pollOptions).toBeUndefined();
});
