import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import Client from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { sql } from '../../../../src/framework/database/drizzle.ts';
import { InsufficientStorage, ServiceUnavailable } from '../../../../src/framework/errors/problem.ts';
import { runSql } from '../../../support/sql.ts';
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

describe('the writes of one event-loop turn', () => {
  test('share one transaction, and resolve in order after its COMMIT', async (t) => {
    const { client, writer, statements } = openRecordedWriter(t);
    client.exec(noteTable);
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const order: number[] = [];
    const write = (index: number) =>
      writer
        .writeStatement(() => insert.run(`note ${index}`).lastInsertRowid)
        .then((id) => {
          expect(client.inTransaction).toBe(false);
          order.push(index);
          return id;
        });
    const ids = await Promise.all(numbered(100).map((_, index) => write(index)));
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(order).toEqual(ids.map((_, index) => index));
    const transactions = () => statements.filter((statement) => /BEGIN|COMMIT|ROLLBACK$/.test(statement));
    expect(transactions()).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);

    // Writes of later turns do not share it, not even writes that a resolved write causes.
    await Promise.all([write(100).then(() => Promise.all([write(101), write(102)])), write(103)]);
    expect(transactions()).toHaveLength(6);
    expect(order.slice(100)).toEqual([100, 103, 101, 102]);
  });

  test('become visible to other connections together', async (t) => {
    const { file, database } = openNotes(t);
    const watcher = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
      const client = new (require(${driver}))(workerData);
      const count = client.prepare('SELECT count(*) FROM note').pluck();
      const seen = new Set();
      parentPort.once('message', () => {});
      parentPort.postMessage('ready');
      for (let last = 0; last < 2100; ) seen.add(last = count.get());
      client.close();
      parentPort.postMessage([...seen]);
      parentPort.close();`,
      { eval: true, workerData: file },
    );
    t.onTestFinished(() => void watcher.terminate());
    await once(watcher, 'message');
    const counted = once(watcher, 'message');
    for (let group = 0; group < 300; group += 1) {
      await Promise.all(
        numbered(7, `group ${group}`).map((note) => database.write(() => addNote(database, note))),
      );
    }
    const [seen] = (await counted) as [number[]];
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.filter((count) => count % 7 !== 0)).toEqual([]);
  });

  test('can contain nested writes, which join the outer write', async (t) => {
    const { database } = openNotes(t);
    const nested = (note: string, isFine: boolean) =>
      database.write(async () => {
        await addNote(database, `${note} outside`);
        await database.write(async () => {
          await addNote(database, `${note} inside`);
          if (!isFine) throw new Error('of the inner write');
        });
      });
    const writes = [nested('a', true), nested('b', false), nested('c', true)];
    const results = await Promise.allSettled(writes);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await listNotes(database)).toEqual(['a outside', 'a inside', 'c outside', 'c inside']);
  });
});

describe('an error of one write fails only that write:', () => {
  test('a write that waits for something other than a statement is rejected without effect, and stops', async (t) => {
    const { database } = openNotes(t);
    const write = database.write(async () => {
      await addNote(database, 'before');
      await turn();
      await addNote(database, 'after');
    });
    const other = database.write(() => addNote(database, 'other'));
    await expect(write).rejects.toThrow(
      new TypeError('A write waits for something that is not a statement of its database'),
    );
    await other;
    await sleep(10);
    expect(await listNotes(database)).toEqual(['other']);
  });

  test('a write with a statement that it does not await is rejected without effect', async (t) => {
    const { database } = openNotes(t);
    const failure = new TypeError('A statement of a write was not awaited: await each statement');
    const forgetful = async () => {
      void database.prepare(sql`INSERT INTO note (text) VALUES ('not awaited')`).run();
      await addNote(database, 'awaited');
    };
    await expect(database.write(forgetful)).rejects.toThrow(failure);
    const writes = [database.write(forgetful), database.write(() => addNote(database, 'other'))];
    const [failed, other] = await Promise.allSettled(writes);
    expect([failed, other]).toMatchObject([{ reason: failure }, { status: 'fulfilled' }]);
    expect(await listNotes(database)).toEqual(['other']);
  });

  test('a write fails if one of its statements fails, even if it catches the error', async (t) => {
    const { database } = openNotes(t);
    await addNote(database, 'first');
    const write = database.write(async () => {
      await addNote(database, 'second');
      await addNote(database, 'first').catch(() => {});
    });
    await expect(write).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT_UNIQUE' });
    expect(await listNotes(database)).toEqual(['first']);
  });

  test.for([
    ['throws', false],
    ['catches', true],
  ] as const)('a write that ends the transaction and %s the error', async ([, isCaught], t) => {
    const { file, database } = openNotes(t);
    const write = (note: string) => database.write(() => addNote(database, note));
    const end = async () => {
      await addNote(database, 'of the failing write');
      try {
        await runSql(database, sql`INSERT OR ROLLBACK INTO note (id, text) VALUES (1, 'twice')`);
      } catch (error) {
        if (!isCaught) throw error;
      }
    };
    const reason = expect.objectContaining({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY' });
    await write('first');
    const [before, failing, after] = [write('before'), database.write(end), write('after')];
    await expect(failing).rejects.toEqual(reason);
    await Promise.all([before, after]);
    expect(listCommitted(file)).toEqual(['first', 'before', 'after']);
    // The same without other writes in the turn.
    await expect(database.write(end)).rejects.toEqual(reason);
    await write('later');
    expect(listCommitted(file)).toEqual(['first', 'before', 'after', 'later']);
  });

  test('a write rejects with the value that it throws', async (t) => {
    const { database } = openNotes(t);
    for (const thrown of [undefined, null, 0, 'text', { code: 7 }, Object.freeze(new Error('frozen'))]) {
      const writes = [
        database.write(async () => {
          await addNote(database, 'of the failing write');
          throw thrown;
        }),
        database.write(() => database.prepare(sql`SELECT 1`).get()),
      ];
      const [failed, other] = await Promise.allSettled(writes);
      expect(failed).toEqual({ status: 'rejected', reason: thrown });
      expect(other?.status).toBe('fulfilled');
    }
    expect(await listNotes(database)).toEqual([]);
  });

  test('the other writes run again, each behind a savepoint; without an error there are no savepoints', async (t) => {
    const { client, writer, statements } = openRecordedWriter(t);
    client.exec(noteTable);
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const write = (note: string) => writer.writeStatement(() => insert.run(note));
    await Promise.all(['a', 'b'].map(write));
    expect(statements).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
    statements.length = 0;
    expect(await reasonsOf([write('a')])).toMatchObject([{ code: 'SQLITE_CONSTRAINT_UNIQUE' }]);
    expect(statements).toEqual(['BEGIN IMMEDIATE', 'ROLLBACK']);
    statements.length = 0;
    const results = await Promise.allSettled(['c', 'a', 'd'].map(write));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const [save, release] = ['SAVEPOINT pending_write', 'RELEASE pending_write'];
    const second = [save, release, save, 'ROLLBACK TO pending_write', release, save, release];
    expect(statements).toEqual(['BEGIN IMMEDIATE', 'ROLLBACK', 'BEGIN IMMEDIATE', ...second, 'COMMIT']);
    expect(client.prepare('SELECT text FROM note ORDER BY id').pluck().all()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('all writes wait in order if another process takes the lock before the second run', async (t) => {
    const recorded = openRecordedWriter(t);
    const { client, writer, statements } = recorded;
    client.exec(noteTable);
    recorded.before = (statement) => {
      if (statement.startsWith('BEGIN') && statements.join() === 'BEGIN IMMEDIATE,ROLLBACK,BEGIN IMMEDIATE')
        throwSqliteError('SQLITE_BUSY');
    };
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const settled: string[] = [];
    const write = (note: string) =>
      writer.writeStatement(() => insert.run(note)).finally(() => settled.push(note));
    const results = await Promise.allSettled([
      write('a'),
      write('b'),
      write('a').catch(() => {}),
      write('c'),
    ]);
    expect(results.map(({ status }) => status)).toEqual(Array(4).fill('fulfilled'));
    expect(settled).toEqual(['a', 'b', 'a', 'c']);
    expect(client.prepare('SELECT text FROM note ORDER BY id').pluck().all()).toEqual(['a', 'b', 'c']);
  });

  test('all writes wait in order if another process takes the lock between separate transactions', async (t) => {
    const recorded = openRecordedWriter(t);
    const { client, writer, statements } = recorded;
    client.exec(
      `${noteTable}; CREATE TABLE reply (note INTEGER REFERENCES note DEFERRABLE INITIALLY DEFERRED)`,
    );
    recorded.before = (statement) => {
      const begins = statements.filter((earlier) => earlier.startsWith('BEGIN')).length;
      if (statement.startsWith('BEGIN') && begins === 3) throwSqliteError('SQLITE_BUSY');
    };
    const settled: string[] = [];
    const write = (note: string, statement = `INSERT INTO note (text) VALUES ('${note}')`) =>
      writer.writeStatement(() => client.exec(statement)).finally(() => settled.push(note));
    const writes = [write('a'), write('b'), write('c', 'INSERT INTO reply VALUES (99)'), write('d')];
    const results = await Promise.allSettled(writes);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(settled).toEqual(['a', 'b', 'c', 'd']);
    expect(client.prepare('SELECT text FROM note ORDER BY id').pluck().all()).toEqual(['a', 'b', 'd']);
  });
});

describe('close() with queued writes', () => {
  test('commits them', async (t) => {
    const { file, database } = openNotes(t);
    const failure = new Error('write 7 fails');
    const writes = numbered(20).map((note, index) =>
      database.write(async () => {
        await addNote(database, note);
        if (index === 7) throw failure;
      }),
    );
    void database.close();
    const results = await Promise.allSettled(writes);
    expect(
      results.flatMap((result, index) => (result.status === 'rejected' ? [[index, result.reason]] : [])),
    ).toEqual([[7, failure]]);
    expect(listCommitted(file)).toEqual(numbered(20).filter((_, index) => index !== 7));
  });

  test('waits for the open transaction', async (t) => {
    const { file, database } = openNotes(t);
    let closed: Promise<void> | undefined;
    const writes = [
      database.write(async () => {
        await addNote(database, 'one');
        closed = database.close() as Promise<void>;
      }),
      database.write(() => addNote(database, 'other')),
    ];
    await Promise.all(writes);
    await closed;
    expect(listCommitted(file)).toEqual(['one', 'other']);
  });

  test('rejects them while another process has the lock, and does not commit them later', async (t) => {
    const { file, database } = openNotes(t);
    const other = new Client(file);
    t.onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    const write = (note: string) => database.write(() => addNote(database, note));
    const writes = numbered(5, 'early').map(write);
    await sleep(20);
    writes.push(...numbered(5, 'late').map(write));
    void database.close();
    // Also reject writes that the rejections cause.
    writes.push(...writes.slice(0, 2).map((one) => one.catch(() => write('after a rejection'))));
    for (const reason of (await reasonsOf(writes)).slice(0, 10)) {
      expect(reason).toBeInstanceOf(ServiceUnavailable);
      expect(reason).toMatchObject({ message: 'The database is closing' });
    }
    other.exec('COMMIT');
    await sleep(30);
    expect(listCommitted(file)).toEqual([]);
  });

  test('rejects them if the disk is full', async (t) => {
    const { file, database } = openNotes(t);
    await database.prepare(sql`PRAGMA max_page_count = 5`).get();
    const writes = numbered(5).map((note) => database.write(() => addNote(database, note.padEnd(9000, '.'))));
    void database.close();
    for (const reason of await reasonsOf(writes)) expect(reason).toBeInstanceOf(InsufficientStorage);
    expect(listCommitted(file)).toEqual([]);
  });

  test('rejects later writes', async (t) => {
    const { file, database } = openNotes(t);
    await database.close();
    await reasonsOf([database.write(async () => 1), database.write(async () => 2)]);
    expect(listCommitted(file)).toEqual([]);
  });
});
