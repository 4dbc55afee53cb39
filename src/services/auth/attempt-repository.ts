import { type Database, eq, sql } from '#framework/database';
import { attempts } from './tables.ts';

export type AttemptRepository = ReturnType<typeof createAttemptRepository>;
export type AttemptRow = typeof attempts.$inferSelect;

const { placeholder } = sql;

/** Creates the queries for the counts of tries. */
export function createAttemptRepository({ orm, prepare, prepareLocking, write }: Database) {
  const byKey = eq(attempts.key, placeholder('key'));
  const select = prepare(orm.select().from(attempts).where(byKey));
  const lock = prepareLocking(orm.select().from(attempts).where(byKey));
  const insert = prepare(
    orm
      .insert(attempts)
      .values({
        ...{ key: placeholder('key'), count: 0, since_ms: 0, blocked_ms: 0, trusted_ms: 0 },
        expires_ms: placeholder('now'),
      })
      .onConflictDoNothing(),
  );
  const update = prepare(
    orm
      .update(attempts)
      .set({
        count: sql`${placeholder('count')}`,
        since_ms: sql`${placeholder('since_ms')}`,
        blocked_ms: sql`${placeholder('blocked_ms')}`,
        trusted_ms: sql`${placeholder('trusted_ms')}`,
        expires_ms: sql`${placeholder('expires_ms')}`,
      })
      .where(byKey),
  );
  const prune = prepare(
    sql`DELETE FROM ${attempts} WHERE key IN (
      SELECT key FROM ${attempts} WHERE expires_ms <= ${placeholder('now')} ORDER BY expires_ms LIMIT 1000)`,
  );

  return {
    find: (key: string) => select.get({ key }),
    /**
     * Reads rows under a lock and stores the rows that `decide` returns, in one write.
     * @param keys locked in this order. All callers use the same order of kinds, so that they cannot deadlock.
     */
    update<Result>(
      keys: readonly string[],
      now: number,
      decide: (rows: AttemptRow[]) => { readonly save: readonly AttemptRow[]; readonly result: Result },
    ): Promise<Result> {
      return write(async () => {
        const rows: AttemptRow[] = [];
        for (const key of keys) {
          let row: AttemptRow | undefined;
          // The row may expire, and be removed, between the two statements.
          while (row === undefined) {
            await insert.run({ key, now });
            row = await lock.get({ key });
          }
          rows.push(row);
        }
        const { save, result } = decide(rows);
        for (const row of save) await update.run(row);
        return result;
      });
    },
    prune: (now: number) => prune.run({ now }),
  };
}
