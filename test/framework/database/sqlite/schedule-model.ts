import fc from 'fast-check';

/** The model of group commit that the random schedules are compared with. */

export interface Row {
  readonly name: string;
  readonly amount: number;
  /** A row that must exist immediately, or at COMMIT if the references are deferred. */
  readonly owner: number | null;
  /** A row that must exist at COMMIT. */
  readonly link: number | null;
}
export type Rows = ReadonlyMap<number, Row>;
export type Step =
  | (Row & { readonly do: 'insert'; readonly id: number })
  | { readonly do: 'rename'; readonly id: number; readonly name: string }
  | { readonly do: 'add'; readonly id: number; readonly amount: number }
  | { readonly do: 'remove' | 'read'; readonly id: number }
  | { readonly do: 'defer' }
  | { readonly do: 'throw' };
export interface Write {
  readonly steps: readonly Step[];
  /** Whether it waits for something that is not a statement. */
  readonly isAsync: boolean;
  /** Called as soon as this write has settled. */
  readonly next: Write | undefined;
}
/** The writes that are called in one event-loop turn. */
export interface Turn {
  readonly writes: readonly Write[];
  /** The error of its COMMIT. */
  readonly fault: 'SQLITE_FULL' | 'SQLITE_IOERR_WRITE' | undefined;
}
/** The result of each step, or the code of the error that rejected the write. */
export type Outcome = readonly (number | null)[] | string;

export const table = `CREATE TABLE item (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  owner INTEGER REFERENCES item (id),
  link INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED
)`;
export const constraint = (kind: string) => `SQLITE_CONSTRAINT_${kind}`;

/** Predicts one write. `deferred` is the state that a transaction keeps from earlier writes. */
function predictWrite(
  before: Rows,
  write: Write,
  deferred: { isOn: boolean },
): { rows: Rows; outcome: Outcome } {
  if (write.isAsync) return { rows: before, outcome: 'TypeError' };
  const rows = new Map(before);
  const results: (number | null)[] = [];
  const isTaken = (name: string, own: number) =>
    [...rows].some(([id, row]) => row.name === name && id !== own);
  /** Returns the code of the error, if the step fails. */
  const apply = (step: Step): string | undefined => {
    if (step.do === 'throw') return 'Error';
    if (step.do === 'defer') {
      deferred.isOn = true;
      return void results.push(0);
    }
    const { id } = step;
    const row = rows.get(id);
    if (step.do === 'read') return void results.push(row?.amount ?? null);
    if (step.do === 'insert') {
      const { name, amount, owner, link } = step;
      if (amount < 0) return constraint('CHECK');
      if (row !== undefined) return constraint('PRIMARYKEY');
      if (isTaken(name, id)) return constraint('UNIQUE');
      rows.set(id, { name, amount, owner, link });
      if (owner !== null && !rows.has(owner) && !deferred.isOn) return constraint('FOREIGNKEY');
      return void results.push(1);
    }
    if (row === undefined) return void results.push(0);
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
    return void results.push(1);
  };
  for (const step of write.steps) {
    const error = apply(step);
    if (error !== undefined) return { rows: before, outcome: error };
  }
  return { rows, outcome: results };
}

const hasAllReferences = (rows: Rows) =>
  [...rows.values()].every(({ owner, link }) => [owner, link].every((id) => id === null || rows.has(id)));

/** Predicts the writes of one turn: in one transaction, or one by one if that cannot be committed. */
export function predict(before: Rows, { writes, fault }: Turn): { rows: Rows; outcomes: Outcome[] } {
  let rows = before;
  const deferred = { isOn: false };
  const outcomes = writes.map((write) => {
    const predicted = predictWrite(rows, write, deferred);
    rows = predicted.rows;
    return predicted.outcome;
  });
  if (writes.length === 1 && typeof outcomes[0] === 'string') return { rows, outcomes };
  if (fault !== undefined) {
    const outcome = fault === 'SQLITE_FULL' ? '507' : '503';
    return { rows: before, outcomes: writes.map(() => outcome) };
  }
  if (hasAllReferences(rows)) return { rows, outcomes };
  if (writes.length === 1) return { rows: before, outcomes: [constraint('FOREIGNKEY')] };
  rows = before;
  const alone = writes.flatMap((write) => {
    const predicted = predict(rows, { writes: [write], fault: undefined });
    rows = predicted.rows;
    return predicted.outcomes;
  });
  return { rows, outcomes: alone };
}

/** Generates the value in one of `times` cases, otherwise undefined. */
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
const writeWith = (next: fc.Arbitrary<Write | undefined>): fc.Arbitrary<Write> =>
  fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 4 }),
    isAsync: rarely(20, fc.constant(true)).map((value) => value === true),
    next,
  });
const write = writeWith(rarely(4, writeWith(rarely(4, writeWith(fc.constant(undefined))))));
const fault = rarely(20, fc.constantFrom('SQLITE_FULL' as const, 'SQLITE_IOERR_WRITE' as const));

/** Generates random schedules of writes. */
export const schedule: fc.Arbitrary<Turn[]> = fc.array(
  fc.record({ writes: fc.array(write, { minLength: 1, maxLength: 5 }), fault }),
  { minLength: 1, maxLength: 4 },
);
