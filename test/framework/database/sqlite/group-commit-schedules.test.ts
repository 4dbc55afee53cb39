import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  constraint,
  type Outcome,
  predict,
  type Rows,
  type Step,
  schedule,
  table,
  type Write,
} from './schedule-model.ts';
import { openRecordedWriter, throwSqliteError } from './writer-helpers.ts';

/** `SCHEDULES=10000` in `.ci/run`. */
const schedules = Number(process.env.SCHEDULES ?? 1_500);

test('random schedules of writes have the same result as the same writes one by one', {
  timeout: 300_000,
}, async (t) => {
  const recorded = openRecordedWriter(t);
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
    // This pragma takes effect while it is prepared, so prepare it each time.
    if (step.do === 'defer') return client.prepare('PRAGMA defer_foreign_keys = ON').run().changes;
    if (step.do === 'read') return (read.get(step.id) as number | undefined) ?? null;
    return statements[step.do].run(step).changes;
  };
  const codeOf = (error: { code?: string; status?: number; name: string }) =>
    error.code ?? (error.status === undefined ? error.name : String(error.status));
  const seen = new Map<string, number>();
  let retried = 0;

  const property = fc.asyncProperty(schedule, async (turns) => {
    clear.run();
    const settled: number[] = [];
    const outcomes: Outcome[] = [];
    let started = 0;
    function start({ steps, isAsync, next }: Write): void {
      const index = started;
      started += 1;
      const settle = (outcome: Outcome) => {
        settled.push(index);
        outcomes[index] = outcome;
        if (next !== undefined) start(next);
      };
      const fn = () => steps.map(perform);
      const written: Promise<Outcome> = writer.write(
        isAsync ? () => new Promise(() => {}) : async () => fn(),
      );
      written.then(settle, (error) => settle(codeOf(error)));
    }

    const expected: Outcome[] = [];
    let rows: Rows = new Map();
    let following: Write[] = [];
    for (let index = 0; index < turns.length || following.length > 0; index += 1) {
      const { writes, fault } = turns[index] ?? { writes: [], fault: undefined };
      const batch = [...following, ...writes];
      const predicted = predict(rows, { writes: batch, fault });
      rows = predicted.rows;
      expected.push(...predicted.outcomes);
      following = batch.flatMap(({ next }) => next ?? []);

      recorded.before = (statement) => {
        if (statement === 'COMMIT' && fault !== undefined) throwSqliteError(fault);
      };
      recorded.statements.length = 0;
      for (const write of writes) start(write);
      // The writer commits one turn after the turn in which the writes were called.
      await turn();
      await turn();
      // The second BEGIN is the attempt with savepoints. A third one means that each write ran alone.
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

  // The schedules have met each kind of outcome often enough.
  const kinds = ['CHECK', 'FOREIGNKEY', 'PRIMARYKEY', 'UNIQUE'].map(constraint);
  expect([...seen.keys()].sort()).toEqual(['503', '507', 'Error', ...kinds, 'TypeError', 'done']);
  expect(Math.min(...seen.values())).toBeGreaterThan(schedules / 20);
  expect(retried).toBeGreaterThan(schedules / 10);
});
