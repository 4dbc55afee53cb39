import type { DatabaseDriver } from '../../src/framework/database/database.ts';
import type { SQL } from '../../src/framework/database/drizzle.ts';

type Preparer = Pick<DatabaseDriver, 'prepare'>;

/** Runs SQL that changes something. Outside of a write, it is a separate write. */
export async function runSql({ prepare }: Preparer, query: SQL): Promise<number> {
  return (await prepare(query).run()).changes;
}

/** Reads rows, each an array of its columns. */
export async function readSql<Row extends unknown[]>({ prepare }: Preparer, query: SQL): Promise<Row[]> {
  return (await prepare(query).all()) as Row[];
}
