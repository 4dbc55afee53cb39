import type { DatabaseDriver } from '../../src/framework/database/database.ts';
import type { SQL } from '../../src/framework/database/drizzle.ts';

type Preparer = Pick<DatabaseDriver, 'prepare'>;

/** Runs SQL that changes something: a write by itself, or a part of the write that the code is in. */
export async function runSql({ prepare }: Preparer, query: SQL): Promise<number> {
  return (await prepare(query).run()).changes;
}

/** Reads rows, each an array of its columns. */
export async function readSql<Row extends unknown[]>({ prepare }: Preparer, query: SQL): Promise<Row[]> {
  return (await prepare(query).all()) as Row[];
}
