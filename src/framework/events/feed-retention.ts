import type { Database } from '../database/database.ts';
import { type SQL, sql } from '../database/drizzle.ts';
import { nowMicros } from '../database/instant.ts';

/** How many events retention deletes in one write. */
const deletedTogether = 500;

const p = sql.placeholder;

/**
 * Creates a function that deletes some events of a feed that are older than a time in µs, the oldest first. It resolves
 * with whether more may be left.
 */
export function createRetention(database: Database, assignPositions: () => Promise<unknown>) {
  const { prepare } = database;
  // Plan these statements each time, because a new feed is empty and may grow by thousands of events in a second.
  const prepareSearch = (query: SQL) => prepare(query, { isPlannedEachTime: true });
  const selectOldest = prepareSearch(
    sql`SELECT position, time FROM __event WHERE position IS NOT NULL
      ORDER BY position LIMIT ${sql.raw(String(deletedTogether))}`,
  );
  const removeUpTo = prepareSearch(
    sql`DELETE FROM __event WHERE position <= CAST(${p('position')} AS bigint)`,
  );
  // Do not lower the value, because another process may have deleted more events meanwhile.
  const setOldest = prepare(
    sql`UPDATE __feed SET oldest = CAST(${p('position')} AS bigint) WHERE oldest < CAST(${p('position')} AS bigint)`,
  );

  return async function prune(before: number): Promise<boolean> {
    await assignPositions();
    const rows = (await selectOldest.all()) as [number, number][];
    // The clock of an event with a time in the future was wrong. The event is deleted with the next one that is old enough.
    const now = nowMicros();
    const kept = rows.findIndex(([, time]) => time >= before && time <= now);
    const [position] =
      rows.slice(0, kept < 0 ? rows.length : kept).findLast(([, time]) => time < before) ?? [];
    if (position === undefined) return false;
    await database.write(async () => {
      await removeUpTo.run({ position });
      await setOldest.run({ position });
    });
    return kept < 0;
  };
}
