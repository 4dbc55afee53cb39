import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import Client from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, type TestContext, test } from 'vitest';
import { currentContext, runAs } from '../../../../src/framework/context/context.ts';
import { type Database, openDatabase } from '../../../../src/framework/database/database.ts';
import { integer, sql, sqliteTable, text } from '../../../../src/framework/database/sqlite/drizzle.ts';
import { openWriter } from '../../../../src/framework/database/sqlite/group-commit.ts';
import { InsufficientStorage, ServiceUnavailable } from '../../../../src/framework/errors/problem.ts';
import { getLogger } from '../../../../src/framework/logging/logger.ts';
import { defineService } from '../../../../src/framework/service/define-service.ts';
import { build, collectLines, type Line, makeFolder } from '../../../support/app.ts';

const driver = JSON.stringify(createRequire(import.meta.url).resolve('better-sqlite3'));

const notes = sqliteTable('note', { id: integer().primaryKey(), text: text().notNull().unique() });
const noteTable = 'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)';

/** `SCHEDULES=10000` in `.ci/run`. */
const schedules = Number(process.env.SCHEDULES ?? 1_500);

/** A database with a table of notes, closed when the test ends. */
function open(t: TestContext, file = join(makeFolder(t), 'note.db')): { file: string; database: Database } {
  const database = openDatabase(file);
  t.onTestFinished(() => database.close());
  database.orm.run(sql.raw(noteTable));
  return { file, database };
}

const add = ({ orm }: Database, note: string) => orm.run(sql`INSERT INTO note (text) VALUES (${note})`);
const list = ({ orm }: Database) =>
  orm.all<{ text: string }>(sql`SELECT text FROM note ORDER BY id`).map(({ text }) => text);
const number = (count: number, name = 'note') =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`);

/** What a second connection reads, which finds on disk what this one has committed. */
function listElsewhere(file: string): string[] {
  const client = new Client(file);
  try {
    return client.prepare('SELECT text FROM note ORDER BY id').pluck().all() as string[];
  } finally {
    client.close();
  }
}

/** The reasons of rejections; fails where one was resolved. */
async function reasons(writes: readonly Promise<unknown>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(writes);
  return results.map((result) => {
    if (result.status === 'fulfilled') throw new Error('it was acknowledged');
    return result.reason;
  });
}

/** A writer on a connection of its own, of which is kept which transactions it makes. */
function openRecorded(t: TestContext, file = ':memory:') {
  const client = new Client(file, { timeout: 0 });
  t.onTestFinished(() => void client.close());
  client.pragma('foreign_keys = ON');
  const recorded = {
    client,
    statements: [] as string[],
    /** Is asked before each statement, and may throw in its place. */
    before: (_statement: string): void => {},
    writer: openWriter({
      prepare(statement) {
        const prepared = client.prepare(statement);
        return {
          run() {
            recorded.statements.push(statement);
            recorded.before(statement);
            return prepared.run();
          },
        };
      },
      get inTransaction() {
        return client.inTransaction;
      },
    }),
  };
  return recorded;
}

const fail = (code: string) => {
  throw new Client.SqliteError('as the test has it', code);
};

describe('the writes of one turn', () => {
  test('share one transaction, and are answered in their order after its COMMIT', async (t) => {
    const { client, writer, statements } = openRecorded(t);
    client.exec(noteTable);
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const order: number[] = [];
    const write = (index: number) =>
      writer
        .write(() => insert.run(`note ${index}`).lastInsertRowid)
        .then((id) => {
          expect(client.inTransaction).toBe(false);
          order.push(index);
          return id;
        });
    const ids = await Promise.all(number(100).map((_, index) => write(index)));
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(order).toEqual(ids.map((_, index) => index));
    const transactions = () => statements.filter((statement) => /BEGIN|COMMIT|ROLLBACK$/.test(statement));
    expect(transactions()).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);

    // Not those of the next one, also where it is what an answer causes.
    await Promise.all([write(100).then(() => Promise.all([write(101), write(102)])), write(103)]);
    expect(transactions()).toHaveLength(6);
    expect(order.slice(100)).toEqual([100, 103, 101, 102]);
  });

  test('are seen by others all or not at all', async (t) => {
    const { file, database } = open(t);
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
    const said = once(watcher, 'message');
    for (let group = 0; group < 300; group += 1) {
      await Promise.all(number(7, `group ${group}`).map((note) => database.write(() => add(database, note))));
    }
    const [seen] = (await said) as [number[]];
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.filter((count) => count % 7 !== 0)).toEqual([]);
  });

  test('may each have transactions inside', async (t) => {
    const { database } = open(t);
    const { orm } = database;
    const nested = (note: string, isFine: boolean) =>
      database.write(() => {
        add(database, `${note} outside`);
        try {
          orm.transaction((inner) => {
            inner
              .insert(notes)
              .values({ text: `${note} inside` })
              .run();
            if (!isFine) throw new Error('only what is inside');
          });
        } catch {}
      });
    await Promise.all([nested('a', true), nested('b', false), nested('c', true)]);
    expect(list(database)).toEqual(['a outside', 'a inside', 'b outside', 'c outside', 'c inside']);
  });
});

describe('any schedule of writes', () => {
  interface Row {
    readonly name: string;
    readonly amount: number;
    /** A row that must be there at once, or at COMMIT where the references are deferred. */
    readonly owner: number | null;
    /** A row that must be there at COMMIT. */
    readonly link: number | null;
  }
  type Rows = ReadonlyMap<number, Row>;
  type Step =
    | (Row & { readonly do: 'insert'; readonly id: number })
    | { readonly do: 'rename'; readonly id: number; readonly name: string }
    | { readonly do: 'add'; readonly id: number; readonly amount: number }
    | { readonly do: 'remove' | 'read'; readonly id: number }
    | { readonly do: 'defer' }
    | { readonly do: 'throw' };
  interface Work {
    readonly steps: readonly Step[];
    readonly isAsync: boolean;
    /** What is written as soon as this has been answered, either way. */
    readonly next: Work | undefined;
  }
  interface Turn {
    readonly works: readonly Work[];
    /** What its COMMIT fails with. */
    readonly fault: 'SQLITE_FULL' | 'SQLITE_IOERR_WRITE' | undefined;
  }
  /** What each step gave, or why the work was refused. */
  type Outcome = readonly (number | null)[] | string;

  const table = `CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    owner INTEGER REFERENCES item (id),
    link INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED
  )`;
  const constraint = (kind: string) => `SQLITE_CONSTRAINT_${kind}`;

  /** One piece of work as it should be; `deferred` is what a transaction keeps of the works before. */
  function apply(before: Rows, work: Work, deferred: { isOn: boolean }): { rows: Rows; outcome: Outcome } {
    if (work.isAsync) return { rows: before, outcome: 'TypeError' };
    const rows = new Map(before);
    const given: (number | null)[] = [];
    const isTaken = (name: string, own: number) =>
      [...rows].some(([id, row]) => row.name === name && id !== own);
    const refusal = (step: Step): string | undefined => {
      if (step.do === 'throw') return 'Error';
      if (step.do === 'defer') {
        deferred.isOn = true;
        return void given.push(0);
      }
      const { id } = step;
      const row = rows.get(id);
      if (step.do === 'read') return void given.push(row?.amount ?? null);
      if (step.do === 'insert') {
        const { name, amount, owner, link } = step;
        if (amount < 0) return constraint('CHECK');
        if (row !== undefined) return constraint('PRIMARYKEY');
        if (isTaken(name, id)) return constraint('UNIQUE');
        rows.set(id, { name, amount, owner, link });
        if (owner !== null && !rows.has(owner) && !deferred.isOn) return constraint('FOREIGNKEY');
        return void given.push(1);
      }
      if (row === undefined) return void given.push(0);
      if (step.do === 'rename') {
        if (isTaken(step.name, id)) return constraint('UNIQUE');
        rows.set(id, { ...row, name: step.name });
      } else if (step.do === 'add') {
        if (row.amount + step.amount < 0) return constraint('CHECK');
        rows.set(id, { ...row, amount: row.amount + step.amount });
      } else {
        rows.delete(id);
        const isOwner = [...rows.values()].some(({ owner }) => owner === id);
        if (isOwner && !deferred.isOn) return constraint('FOREIGNKEY');
      }
      return void given.push(1);
    };
    for (const step of work.steps) {
      const outcome = refusal(step);
      if (outcome !== undefined) return { rows: before, outcome };
    }
    return { rows, outcome: given };
  }

  const isWhole = (rows: Rows) =>
    [...rows.values()].every(({ owner, link }) => [owner, link].every((id) => id === null || rows.has(id)));

  /** The works of one turn as they should be: together, and where that cannot be committed, one by one. */
  function predict(before: Rows, { works, fault }: Turn): { rows: Rows; outcomes: Outcome[] } {
    let rows = before;
    const deferred = { isOn: false };
    const outcomes = works.map((work) => {
      const applied = apply(rows, work, deferred);
      rows = applied.rows;
      return applied.outcome;
    });
    if (works.length === 1 && typeof outcomes[0] === 'string') return { rows, outcomes };
    if (fault !== undefined) {
      const outcome = fault === 'SQLITE_FULL' ? '507' : '503';
      return { rows: before, outcomes: works.map(() => outcome) };
    }
    if (isWhole(rows)) return { rows, outcomes };
    if (works.length === 1) return { rows: before, outcomes: [constraint('FOREIGNKEY')] };
    rows = before;
    const alone = works.flatMap((work) => {
      const predicted = predict(rows, { works: [work], fault: undefined });
      rows = predicted.rows;
      return predicted.outcomes;
    });
    return { rows, outcomes: alone };
  }

  /** Nothing mostly, and this once in so many times. */
  const rarely = <Value>(times: number, arbitrary: fc.Arbitrary<Value>) =>
    fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
  const id = fc.integer({ min: 1, max: 6 });
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  const amount = fc.constantFrom(0, 1, 2, 3, -1);
  const reference = rarely(3, id).map((value) => value ?? null);
  const insert = fc.record({
    do: fc.constant('insert' as const),
    id,
    name,
    amount,
    owner: reference,
    link: reference,
  });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 12, arbitrary: insert },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('rename' as const), id, name }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), id, amount }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'read' as const), id }) },
    { weight: 1, arbitrary: fc.constantFrom({ do: 'defer' } as const, { do: 'throw' } as const) },
  );
  const workOf = (next: fc.Arbitrary<Work | undefined>): fc.Arbitrary<Work> =>
    fc.record({
      steps: fc.array(step, { minLength: 1, maxLength: 4 }),
      isAsync: rarely(20, fc.constant(true)).map((value) => value === true),
      next,
    });
  const work = workOf(rarely(4, workOf(rarely(4, workOf(fc.constant(undefined))))));
  const fault = rarely(20, fc.constantFrom('SQLITE_FULL' as const, 'SQLITE_IOERR_WRITE' as const));
  const schedule: fc.Arbitrary<Turn[]> = fc.array(
    fc.record({ works: fc.array(work, { minLength: 1, maxLength: 5 }), fault }),
    { minLength: 1, maxLength: 4 },
  );

  test('ends as if each had been done whole or not at all, in order', {
    timeout: 300_000,
  }, async (t) => {
    const recorded = openRecorded(t);
    const { client, writer } = recorded;
    client.exec(table);
    const statements = {
      insert: client.prepare('INSERT INTO item VALUES (@id, @name, @amount, @owner, @link)'),
      rename: client.prepare('UPDATE item SET name = @name WHERE id = @id'),
      add: client.prepare('UPDATE item SET amount = amount + @amount WHERE id = @id'),
      remove: client.prepare('DELETE FROM item WHERE id = @id'),
    };
    const read = client.prepare('SELECT amount FROM item WHERE id = ?').pluck();
    const clear = client.prepare('DELETE FROM item');
    const listAll = client.prepare('SELECT * FROM item ORDER BY id');

    const perform = (step: Step): number | null => {
      if (step.do === 'throw') throw new Error('in the middle');
      // It works while it is prepared, so each time anew.
      if (step.do === 'defer') return client.prepare('PRAGMA defer_foreign_keys = ON').run().changes;
      if (step.do === 'read') return (read.get(step.id) as number | undefined) ?? null;
      return statements[step.do].run(step).changes;
    };
    const reasonOf = (error: { code?: string; status?: number; name: string }) =>
      error.code ?? (error.status === undefined ? error.name : String(error.status));
    const seen = new Map<string, number>();
    let retried = 0;

    const property = fc.asyncProperty(schedule, async (turns) => {
      clear.run();
      const settled: number[] = [];
      const outcomes: Outcome[] = [];
      let written = 0;
      function start({ steps, isAsync, next }: Work): void {
        const index = written;
        written += 1;
        const settle = (outcome: Outcome) => {
          settled.push(index);
          outcomes[index] = outcome;
          if (next !== undefined) start(next);
        };
        const fn = () => steps.map(perform);
        const write: Promise<Outcome> = writer.write(isAsync ? ((async () => fn()) as never) : fn);
        write.then(settle, (error) => settle(reasonOf(error)));
      }

      const expected: Outcome[] = [];
      let rows: Rows = new Map();
      let following: Work[] = [];
      for (let index = 0; index < turns.length || following.length > 0; index += 1) {
        const { works, fault } = turns[index] ?? { works: [], fault: undefined };
        const group = [...following, ...works];
        const predicted = predict(rows, { works: group, fault });
        rows = predicted.rows;
        expected.push(...predicted.outcomes);
        following = group.flatMap(({ next }) => next ?? []);

        recorded.before = (statement) => {
          if (statement === 'COMMIT' && fault !== undefined) fail(fault);
        };
        recorded.statements.length = 0;
        for (const work of works) start(work);
        // It waits for a turn more than the one that it comes in.
        await turn();
        await turn();
        // Once anew behind savepoints, and then each alone.
        retried +=
          recorded.statements.filter((statement) => statement === 'BEGIN IMMEDIATE').length > 2 ? 1 : 0;
      }
      expect(outcomes).toEqual(expected);
      expect(settled).toEqual(expected.map((_, index) => index));
      expect(listAll.all()).toEqual([...rows].sort(([a], [b]) => a - b).map(([id, row]) => ({ id, ...row })));
      for (const outcome of expected) {
        const kind = typeof outcome === 'string' ? outcome : 'done';
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    });
    await fc.assert(property, { numRuns: schedules });

    // They have met all that there is to meet.
    const kinds = ['CHECK', 'FOREIGNKEY', 'PRIMARYKEY', 'UNIQUE'].map(constraint);
    expect([...seen.keys()].sort()).toEqual(['503', '507', 'Error', ...kinds, 'TypeError', 'done']);
    expect(Math.min(...seen.values())).toBeGreaterThan(schedules / 20);
    expect(retried).toBeGreaterThan(schedules / 10);
  });
});

describe('what is wrong with one write is its own:', () => {
  test('a query that it returns in place of running it is refused, and nothing of it happens', async (t) => {
    const { database } = open(t);
    const { orm } = database;
    const writes = ['a', 'b'].map((note) =>
      database.write(() => {
        add(database, `${note}, run`);
        return orm.insert(notes).values({ text: `${note}, not run` });
      }),
    );
    const alone = async () => {
      await turn();
      return database.write(() => orm.insert(notes).values({ text: 'alone' }));
    };
    for (const reason of await reasons([...writes, alone()])) expect(reason).toBeInstanceOf(TypeError);
    await sleep(10);
    expect(list(database)).toEqual([]);
  });

  test('what an async function would do after it has waited does not happen either', async (t) => {
    const { database } = open(t);
    const write = database.write(async () => {
      add(database, 'before');
      await turn();
      add(database, 'after');
    });
    const other = database.write(() => add(database, 'other'));
    await expect(write).rejects.toThrow(TypeError);
    await other;
    await sleep(10);
    expect(list(database)).toEqual(['other']);
  });

  test('a promise that it returns is refused, and may be rejected later', async (t) => {
    const { database } = open(t);
    const late = sleep(5).then(() => Promise.reject(new Error('later')));
    const write = database.write(() => {
      add(database, 'of the promise');
      return late;
    });
    await expect(write).rejects.toThrow(TypeError);
    await expect(late).rejects.toThrow('later');
    expect(list(database)).toEqual([]);
  });

  test.for([
    ['thrown', false],
    ['caught', true],
  ] as const)('a statement that ends the transaction, its error %s', async ([, isCaught], t) => {
    const { file, database } = open(t);
    const write = (note: string) => database.write(() => add(database, note));
    const end = () => {
      add(database, 'of the one that fails');
      try {
        database.orm.run(sql`INSERT OR ROLLBACK INTO note (id, text) VALUES (1, 'twice')`);
      } catch (error) {
        if (!isCaught) throw error;
      }
    };
    const reason = isCaught
      ? expect.objectContaining({ message: expect.stringContaining('no transaction is active') })
      : expect.objectContaining({ cause: expect.objectContaining({ code: 'SQLITE_CONSTRAINT_PRIMARYKEY' }) });
    await write('first');
    const [before, failing, after] = [write('before'), database.write(end), write('after')];
    await expect(failing).rejects.toEqual(reason);
    await Promise.all([before, after]);
    expect(listElsewhere(file)).toEqual(['first', 'before', 'after']);
    // And alone.
    await expect(database.write(end)).rejects.toEqual(reason);
    await write('later');
    expect(listElsewhere(file)).toEqual(['first', 'before', 'after', 'later']);
  });

  test('whatever it throws', async (t) => {
    const { database } = open(t);
    for (const thrown of [undefined, null, 0, 'text', { code: 7 }, Object.freeze(new Error('frozen'))]) {
      const writes = [
        database.write(() => {
          add(database, 'of the one that fails');
          throw thrown;
        }),
        database.write(() => database.orm.run(sql`SELECT 1`)),
      ];
      const [failed, other] = await Promise.allSettled(writes);
      expect(failed).toEqual({ status: 'rejected', reason: thrown });
      expect(other?.status).toBe('fulfilled');
    }
    expect(list(database)).toEqual([]);
  });

  test('and costs the others a second run, each behind a savepoint; where all are right there is none', async (t) => {
    const { client, writer, statements } = openRecorded(t);
    client.exec(noteTable);
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const write = (note: string) => writer.write(() => insert.run(note));
    await Promise.all(['a', 'b'].map(write));
    expect(statements).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
    statements.length = 0;
    expect(await reasons([write('a')])).toMatchObject([{ code: 'SQLITE_CONSTRAINT_UNIQUE' }]);
    expect(statements).toEqual(['BEGIN IMMEDIATE', 'ROLLBACK']);
    statements.length = 0;
    const results = await Promise.allSettled(['c', 'a', 'd'].map(write));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const [save, release] = ['SAVEPOINT member', 'RELEASE member'];
    const second = [save, release, save, 'ROLLBACK TO member', release, save, release];
    expect(statements).toEqual(['BEGIN IMMEDIATE', 'ROLLBACK', 'BEGIN IMMEDIATE', ...second, 'COMMIT']);
    expect(client.prepare('SELECT text FROM note ORDER BY id').pluck().all()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('where the lock is taken before the second run, all wait for it, none overtakes another', async (t) => {
    const recorded = openRecorded(t);
    const { client, writer, statements } = recorded;
    client.exec(noteTable);
    recorded.before = (statement) => {
      if (statement.startsWith('BEGIN') && statements.join() === 'BEGIN IMMEDIATE,ROLLBACK,BEGIN IMMEDIATE')
        fail('SQLITE_BUSY');
    };
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const settled: string[] = [];
    const write = (note: string) => writer.write(() => insert.run(note)).finally(() => settled.push(note));
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

  test('where each has to be tried alone, and the lock is taken meanwhile, none overtakes another', async (t) => {
    const recorded = openRecorded(t);
    const { client, writer, statements } = recorded;
    client.exec(
      `${noteTable}; CREATE TABLE reply (note INTEGER REFERENCES note DEFERRABLE INITIALLY DEFERRED)`,
    );
    recorded.before = (statement) => {
      const begins = statements.filter((earlier) => earlier.startsWith('BEGIN')).length;
      if (statement.startsWith('BEGIN') && begins === 3) fail('SQLITE_BUSY');
    };
    const settled: string[] = [];
    const write = (note: string, statement = `INSERT INTO note (text) VALUES ('${note}')`) =>
      writer.write(() => client.exec(statement)).finally(() => settled.push(note));
    const writes = [write('a'), write('b'), write('c', 'INSERT INTO reply VALUES (99)'), write('d')];
    const results = await Promise.allSettled(writes);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(settled).toEqual(['a', 'b', 'c', 'd']);
    expect(client.prepare('SELECT text FROM note ORDER BY id').pluck().all()).toEqual(['a', 'b', 'd']);
  });
});

describe('what is wrong with the disk fails every write of the turn, and changes nothing:', () => {
  test('no room, until there is some', async (t) => {
    const { file, database } = open(t);
    const limit = (pages: number) => database.orm.get(sql.raw(`PRAGMA max_page_count = ${pages}`));
    const write = (note: string) => database.write(() => add(database, note));
    await write('first');
    limit(10);
    const small = (count: number) => number(count, 'small').map(write);
    const large = (count: number) => number(count, 'large').map((note) => write(note.padEnd(4000, '.')));
    for (const writes of [[...small(3), ...large(20), ...small(3)], [write('alone'.padEnd(90_000, '.'))]]) {
      for (const reason of await reasons(writes)) {
        expect(reason).toBeInstanceOf(InsufficientStorage);
        expect(reason).toMatchObject({ status: 507 });
      }
      expect(list(database)).toEqual(['first']);
      expect(listElsewhere(file)).toEqual(['first']);
    }
    // What fits goes on, and with room all does.
    await Promise.all(small(3));
    limit(1000);
    await Promise.all(large(20));
    expect(listElsewhere(file)).toHaveLength(24);
    expect(database.orm.get(sql`PRAGMA integrity_check`)).toEqual({ integrity_check: 'ok' });
  });

  test.for([
    ['SQLITE_FULL', 507],
    ['SQLITE_IOERR_FSYNC', 503],
    ['SQLITE_IOERR_WRITE', 503],
  ] as const)('%s at COMMIT', async ([code, status], t) => {
    const recorded = openRecorded(t);
    const { client, writer } = recorded;
    client.exec(noteTable);
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const write = (note: string) => writer.write(() => insert.run(note));
    for (const count of [1, 5]) {
      recorded.before = (statement) => statement === 'COMMIT' && fail(code);
      for (const reason of await reasons(number(count).map(write))) {
        expect(reason).toMatchObject({ status, cause: { code } });
      }
      expect(client.inTransaction).toBe(false);
      recorded.before = () => {};
      await write(`after ${count}`);
    }
    expect(client.prepare('SELECT text FROM note ORDER BY id').pluck().all()).toEqual(['after 1', 'after 5']);
  });

  test('a read in the midst of one of them', async (t) => {
    const { client, writer } = openRecorded(t);
    client.exec(noteTable);
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const writes = ['a', 'b', 'c'].map((note) =>
      writer.write(() => {
        insert.run(note);
        if (note === 'b') fail('SQLITE_IOERR_READ');
      }),
    );
    for (const reason of await reasons(writes)) {
      expect(reason).toMatchObject({ status: 503, cause: { code: 'SQLITE_IOERR_READ' } });
    }
    expect(client.prepare('SELECT text FROM note').all()).toEqual([]);
  });

  test('a file that has been damaged, before anything of it is run', async (t) => {
    const { file, database } = open(t);
    // Another's COMMIT has this connection read the file anew.
    const other = new Client(file);
    other.exec("INSERT INTO note (text) VALUES ('other')");
    other.pragma('wal_checkpoint(TRUNCATE)');
    other.close();
    writeFileSync(file, Buffer.alloc(200, 0xa5), { flag: 'r+' });
    let calls = 0;
    const write = (note: string) =>
      database.write(() => {
        calls += 1;
        add(database, note);
      });
    for (const count of [1, 3]) {
      for (const reason of await reasons(number(count).map(write))) {
        expect(reason).toBeInstanceOf(ServiceUnavailable);
        expect(reason).toMatchObject({ status: 503, cause: { code: 'SQLITE_NOTADB' } });
      }
    }
    expect(calls).toBe(0);
  });
});

describe('a line that a write logs has the context of who asked for it,', () => {
  test('whoever else writes in that turn', async (t) => {
    const { database } = open(t);
    const lines: Line[] = [];
    const logging = await collectLines(lines, 'info');
    const contexts: unknown[] = [];
    const write = (note: string) =>
      database.write(() => {
        add(database, note);
        contexts.push(currentContext());
        if (currentContext() !== undefined) getLogger().info(note);
      });
    const as = (service: string, job: string) =>
      runAs(service, job, logging.logger(service), async () => {
        await write(`${service} ${job}`);
        getLogger().info(`${service} ${job}`); // and after it
      });
    await Promise.all([as('pet', 'feed'), write('of nobody'), as('user', 'adopt'), as('pet', 'treat')]);
    // The first to write is not the one whose context the others get, with one of nobody or without.
    await Promise.all([write('of nobody either'), as('user', 'rename')]);
    expect(lines).toHaveLength(8);
    for (const { service, job, msg } of lines) expect(`${service} ${job}`).toBe(msg);
    expect(contexts.map((context) => context === undefined)).toEqual([
      false,
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  test('also when it has waited for a lock, and after what is wrong with another', async (t) => {
    const { file, database } = open(t);
    const lines: Line[] = [];
    const logging = await collectLines(lines, 'info');
    const other = new Client(file);
    t.onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    const writes = number(10, 'job').map((job) =>
      runAs('pet', job, logging.logger('pet'), () =>
        database.write(() => {
          getLogger().info(job);
          // The one is undone to its savepoint, the other takes the transaction along.
          add(database, job === 'job 3' ? 'job 1' : job);
          if (job === 'job 5') database.orm.run(sql`INSERT OR ROLLBACK INTO note VALUES (1, 'twice')`);
        }),
      ),
    );
    setTimeout(() => other.exec('COMMIT'), 30);
    const results = await Promise.allSettled(writes);
    expect(results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual([3, 5]);
    expect(lines.length).toBeGreaterThan(10); // some were run again
    for (const { job, msg } of lines) expect(job).toBe(msg);
  });

  test('through HTTP: the service and the id of its own request', async (t) => {
    const ids = number(40).map((name) => name.replace(' ', '-'));
    const keeper = defineService({
      name: 'keeper',
      description: 'Keeps notes.',
      migrations: new URL('../../../../src/services/pet/migrations/', import.meta.url),
      async register(scope, { database }) {
        database.orm.run(sql.raw(noteTable));
        let arrived = 0;
        const all = Promise.withResolvers<void>();
        scope.post('/notes/', { schema: { operationId: 'keep' } }, async ({ id }) => {
          arrived += 1;
          if (arrived === ids.length) all.resolve();
          await all.promise; // so that one turn has them all
          await database.write(() => {
            add(database, id);
            getLogger().info({ count: list(database).length }, id);
          });
          return { ok: true };
        });
      },
    });
    const { send, lines } = await build(t, { services: [keeper as never] });
    const answers = await Promise.all(
      ids.map((id) => send('POST', '/keeper/notes/', undefined, { 'x-request-id': id })),
    );
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    const written = lines.filter(({ count }) => count !== undefined);
    expect(written.map(({ msg }) => msg).sort()).toEqual([...ids].sort());
    for (const { service, reqId, msg } of written) expect([service, reqId]).toEqual(['keeper', msg]);
  });
});

describe('close() while writes wait', () => {
  test('writes them', async (t) => {
    const { file, database } = open(t);
    const bad = new Error('one that fails');
    const writes = number(20).map((note, index) =>
      database.write(() => {
        add(database, note);
        if (index === 7) throw bad;
      }),
    );
    database.close();
    const results = await Promise.allSettled(writes);
    expect(
      results.flatMap((result, index) => (result.status === 'rejected' ? [[index, result.reason]] : [])),
    ).toEqual([[7, bad]]);
    expect(listElsewhere(file)).toEqual(number(20).filter((_, index) => index !== 7));
  });

  test('rejects them where it cannot, and they do not come later', async (t) => {
    const { file, database } = open(t);
    const other = new Client(file);
    t.onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    const write = (note: string) => database.write(() => add(database, note));
    const writes = number(5, 'early').map(write);
    await sleep(20);
    writes.push(...number(5, 'late').map(write));
    database.close();
    // Also what the bad news causes.
    writes.push(...writes.slice(0, 2).map((one) => one.catch(() => write('in reply'))));
    for (const reason of (await reasons(writes)).slice(0, 10)) {
      expect(reason).toBeInstanceOf(ServiceUnavailable);
      expect(reason).toMatchObject({ message: 'The database is closing' });
    }
    other.exec('COMMIT');
    await sleep(30);
    expect(listElsewhere(file)).toEqual([]);
  });

  test('rejects them where there is no room', async (t) => {
    const { file, database } = open(t);
    database.orm.get(sql`PRAGMA max_page_count = 5`);
    const writes = number(5).map((note) => database.write(() => add(database, note.padEnd(9000, '.'))));
    database.close();
    for (const reason of await reasons(writes)) expect(reason).toBeInstanceOf(InsufficientStorage);
    expect(listElsewhere(file)).toEqual([]);
  });

  test('rejects what comes after it', async (t) => {
    const { file, database } = open(t);
    database.close();
    await reasons([database.write(() => 1), database.write(() => 2)]);
    expect(listElsewhere(file)).toEqual([]);
  });
});

describe.concurrent('a lock that another process has', () => {
  /** Starts a process that takes the lock; resolves, when it has it, with what has it give the lock back. */
  async function hold(t: TestContext, file: string): Promise<() => void> {
    const child = await start(
      t,
      `client.exec("BEGIN IMMEDIATE; INSERT INTO note (text) VALUES ('theirs')");
      console.log('ready');
      process.stdin.once('data', () => client.exec('COMMIT'));`,
      file,
    );
    return () => void child.stdin?.end('free');
  }

  /** Runs this with a connection, in a process of its own; resolves when it has said something. */
  async function start(t: TestContext, script: string, file: string): Promise<ChildProcess> {
    const intro = `const client = new (require(${driver}))(${JSON.stringify(file)});`;
    const child = spawn(process.execPath, ['--eval', `${intro}${script}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    return child;
  }

  test('is waited for while all else goes on, and what comes meanwhile joins', async (t) => {
    const { file } = open(t);
    const { client, writer, statements } = openRecorded(t, file);
    const insert = client.prepare('INSERT INTO note (text) VALUES (?)');
    const free = await hold(t, file);
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 5);
    t.onTestFinished(() => clearInterval(ticking));
    const settled: string[] = [];
    const writes: Promise<void>[] = [];
    const begin = performance.now();
    for (const note of number(20)) {
      writes.push(writer.write(() => insert.run(note)).then(() => void settled.push(note)));
      await sleep(10);
    }
    while (performance.now() - begin < 300) await sleep(10);
    expect(ticks).toBeGreaterThan(5);
    expect(settled).toEqual([]);
    free();
    await Promise.all(writes);
    expect(settled).toEqual(number(20));
    expect(listElsewhere(file)).toEqual(['theirs', ...number(20)]);
    expect(statements.filter((statement) => statement === 'COMMIT')).toHaveLength(1);
  });

  test('is not waited for any longer after 5 s, by those who have waited so long', async (t) => {
    const { file, database } = open(t);
    const write = (note: string) => database.write(() => add(database, note));
    const free = await hold(t, file);
    const begin = performance.now();
    const early = number(3, 'early').map(write);
    const failed = reasons(early).then((found) => ({ found, after: performance.now() - begin }));
    await sleep(2_000);
    const late = number(3, 'late').map(write);
    const { found, after } = await failed;
    for (const reason of found) {
      expect(reason).toBeInstanceOf(ServiceUnavailable);
      expect(reason).toMatchObject({ status: 503, cause: { code: 'SQLITE_BUSY' } });
    }
    expect(after).toBeGreaterThan(4_990);
    expect(database.counts.failures).toEqual({ full: 0, disk: 0, busy: 3 });
    expect(list(database)).toEqual([]); // reads never wait
    free();
    await Promise.all(late);
    expect(listElsewhere(file)).toEqual(['theirs', ...number(3, 'late')]);
  });

  test('again and again, for a moment each, comes free often enough', async (t) => {
    const { file, database } = open(t);
    // It writes as fast as it can: the lock is free between two of its transactions only.
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
      await database.write(() => add(database, `ours ${waits.length}`));
      waits.push(performance.now() - begin);
      await sleep(5);
    }
    other.kill('SIGKILL');
    // None has waited for 5 s: that would have been rejected.
    expect(waits.length).toBeGreaterThan(3);
  });
});
