import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import Client from 'better-sqlite3';
import { describe, expect, type TestContext, test } from 'vitest';
import { sql } from '../../../../src/framework/database/drizzle.ts';
import { InsufficientStorage, ServiceUnavailable } from '../../../../src/framework/errors/problem.ts';
import { spawnForTest } from '../../../support/process-guard.ts';
import {
  addNote,
  listCommitted,
  listNotes,
  noteTable,
  numbered,
  openNotes,
  openRecordedWriter,
  reasonsOf,
  throwSqliteError,
} from './writer-helpers.ts';

const driver = JSON.stringify(createRequire(import.meta.url).resolve('better-sqlite3'));

describe('a disk error fails every write of the transaction and changes nothing:', () => {
  test('a full disk, until it has space again', async (t) => {
    const { file, database } = openNotes(t);
    const pragma = (text: string) => database.prepare(sql.raw(`PRAGMA ${text}`)).get();
    const limit = (pages: number) => pragma(`max_page_count = ${pages}`);
    const write = (note: string) => database.write(() => addNote(database, note));
    await write('first');
    await limit(10);
    const small = (count: number) => numbered(count, 'small').map(write);
    const large = (count: number) => numbered(count, 'large').map((note) => write(note.padEnd(4000, '.')));
    for (const writes of [[...small(3), ...large(20), ...small(3)], [write('alone'.padEnd(90_000, '.'))]]) {
      for (const reason of await reasonsOf(writes)) {
        expect(reason).toBeInstanceOf(InsufficientStorage);
        expect(reason).toMatchObject({ status: 507 });
      }
      expect(await listNotes(database)).toEqual(['first']);
      expect(listCommitted(file)).toEqual(['first']);
    }
    // Small writes still fit. With more space all writes succeed.
    await Promise.all(small(3));
    await limit(1000);
    await Promise.all(large(20));
    expect(listCommitted(file)).toHaveLength(24);
    expect(await pragma('integrity_check')).toEqual(['ok']);
  });

  test.for([
    ['SQLITE_FULL', 507],
    ['SQLITE_IOERR_FSYNC', 503],
    ['SQLITE_IOERR_WRITE', 503],
  ] as const)('%s at COMMIT', async ([code, status], t) => {
    const recorded = openRecordedWriter(t);
    const { client, writer } = recorded;
    client.exec(noteTable);
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const write = (note: string) => writer.writeStatement(() => insert.run(note));
    for (const count of [1, 5]) {
      recorded.before = (statement) => statement === 'COMMIT' && throwSqliteError(code);
      for (const reason of await reasonsOf(numbered(count).map(write))) {
        expect(reason).toMatchObject({ status, cause: { code } });
      }
      expect(client.inTransaction).toBe(false);
      recorded.before = () => {};
      await write(`after ${count}`);
    }
    expect(client.prepare('SELECT text FROM note ORDER BY id').pluck().all()).toEqual(['after 1', 'after 5']);
  });

  test('a failing read in one of the writes', async (t) => {
    const { client, writer } = openRecordedWriter(t);
    client.exec(noteTable);
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const writes = ['a', 'b', 'c'].map((note) =>
      writer.writeStatement(() => {
        insert.run(note);
        if (note === 'b') throwSqliteError('SQLITE_IOERR_READ');
      }),
    );
    for (const reason of await reasonsOf(writes)) {
      expect(reason).toMatchObject({ status: 503, cause: { code: 'SQLITE_IOERR_READ' } });
    }
    expect(client.prepare('SELECT text FROM note').all()).toEqual([]);
  });

  test('a corrupt file, before any write runs', async (t) => {
    const { file, database } = openNotes(t);
    // A COMMIT of another connection makes this connection read the file again.
    const other = new Client(file);
    other.exec("INSERT INTO note (text) VALUES ('other')");
    other.pragma('wal_checkpoint(TRUNCATE)');
    other.close();
    writeFileSync(file, Buffer.alloc(200, 0xa5), { flag: 'r+' });
    let calls = 0;
    const write = (note: string) =>
      database.write(async () => {
        calls += 1;
        await addNote(database, note);
      });
    for (const count of [1, 3]) {
      for (const reason of await reasonsOf(numbered(count).map(write))) {
        expect(reason).toBeInstanceOf(ServiceUnavailable);
        expect(reason).toMatchObject({ status: 503, cause: { code: 'SQLITE_NOTADB' } });
      }
    }
    expect(calls).toBe(0);
  });
});

describe.concurrent('a lock of another process', () => {
  /** Starts a process that takes the lock. Returns a function that makes it release the lock. */
  async function holdLock(t: TestContext, file: string): Promise<() => void> {
    const child = await start(
      t,
      `client.exec("BEGIN IMMEDIATE; INSERT INTO note (text) VALUES ('theirs')");
      console.log('ready');
      process.stdin.once('data', () => client.exec('COMMIT'));`,
      file,
    );
    return () => void child.stdin?.end('release');
  }

  /** Runs a script with a connection in a separate process. Resolves at its first output. */
  async function start(t: TestContext, script: string, file: string): Promise<ChildProcess> {
    const intro = `const client = new (require(${driver}))(${JSON.stringify(file)});`;
    const child = spawnForTest(t, process.execPath, ['--eval', `${intro}${script}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return child;
  }

  test('does not block the event loop; writes that arrive while it is held share the next transaction', async (t) => {
    const { file } = openNotes(t);
    const { client, writer, statements } = openRecordedWriter(t, file);
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const release = await holdLock(t, file);
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 5);
    t.onTestFinished(() => clearInterval(ticking));
    const settled: string[] = [];
    const writes: Promise<void>[] = [];
    const begin = performance.now();
    for (const note of numbered(20)) {
      writes.push(writer.writeStatement(() => insert.run(note)).then(() => void settled.push(note)));
      await sleep(10);
    }
    while (performance.now() - begin < 300) await sleep(10);
    expect(ticks).toBeGreaterThan(5);
    expect(settled).toEqual([]);
    release();
    await Promise.all(writes);
    expect(settled).toEqual(numbered(20));
    expect(listCommitted(file)).toEqual(['theirs', ...numbered(20)]);
    expect(statements.filter((statement) => statement === 'COMMIT')).toHaveLength(1);
  });

  test('fails a write that has waited 5 s, and not the writes that arrived later', async (t) => {
    const { file, database } = openNotes(t);
    const write = (note: string) => database.write(() => addNote(database, note));
    const release = await holdLock(t, file);
    const begin = performance.now();
    const early = numbered(3, 'early').map(write);
    const failed = reasonsOf(early).then((found) => ({ found, after: performance.now() - begin }));
    await sleep(2_000);
    const late = numbered(3, 'late').map(write);
    const { found, after } = await failed;
    for (const reason of found) {
      expect(reason).toBeInstanceOf(ServiceUnavailable);
      expect(reason).toMatchObject({ status: 503, cause: { code: 'SQLITE_BUSY' } });
    }
    expect(after).toBeGreaterThan(4_990);
    expect(database.counts.failures).toEqual({ full: 0, disk: 0, busy: 3 });
    expect(await listNotes(database)).toEqual([]); // reads do not wait
    release();
    await Promise.all(late);
    expect(listCommitted(file)).toEqual(['theirs', ...numbered(3, 'late')]);
  });

  test('of a process that writes all the time does not starve the writes of this process', async (t) => {
    const { file, database } = openNotes(t);
    // The other process writes as fast as it can: the lock is free only between two of its transactions.
    const other = await start(
      t,
      `client.pragma('synchronous = FULL');
      const insert = client.prepare("INSERT INTO note (text) VALUES (randomblob(9))");
      const write = client.transaction(() => insert.run());
      (function go() {
        write.immediate();
        setImmediate(go);
      })();
      console.log('ready');`,
      file,
    );
    const waits: number[] = [];
    const end = performance.now() + 3_000;
    while (performance.now() < end) {
      const begin = performance.now();
      await database.write(() => addNote(database, `ours ${waits.length}`));
      waits.push(performance.now() - begin);
      await sleep(5);
    }
    other.kill('SIGKILL');
    // No write waited for 5 s, because that rejects it.
    expect(waits.length).toBeGreaterThan(3);
  });
});
