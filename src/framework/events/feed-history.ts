import { randomBytes } from 'node:crypto';
import type { Database } from '../database/database.ts';
import { sql } from '../database/drizzle.ts';
import { copyKinds } from '../database/event-tables.ts';

const p = sql.placeholder;

/**
 * Begins the first history of a feed. Begins another one in a restored backup, because later positions belong to a
 * history that is lost. The histories share the positions that both gave to the same events, so that no consumer skips
 * an event.
 */
export async function beginHistory(
  database: Database,
  assignPositions: () => Promise<unknown>,
): Promise<void> {
  const { prepare } = database;
  const create = prepare(
    sql`INSERT INTO __feed (id, epoch, last, oldest, is_copy) VALUES (1, ${p('epoch')}, 0, 0, 0)
      ON CONFLICT (id) DO NOTHING`,
  );
  const unmarkCopy = prepare(sql`UPDATE __feed SET is_copy = 0 WHERE is_copy = CAST(${p('kind')} AS bigint)`);
  // SQLite needs a WHERE before ON CONFLICT.
  const fork = prepare(
    sql`INSERT INTO __feed_fork (epoch, last) SELECT epoch, last FROM __feed WHERE 1 = 1 ON CONFLICT (epoch) DO NOTHING`,
  );
  const setEpoch = prepare(sql`UPDATE __feed SET epoch = ${p('epoch')}`);
  await create.run({ epoch: createEpoch() });
  await database.write(async () => {
    // The lost history may have put an event that is not in this copy before an event that is: no later position is shared.
    if ((await unmarkCopy.run({ kind: copyKinds.unordered })).changes === 0) {
      if ((await unmarkCopy.run({ kind: copyKinds.ordered })).changes === 0) return;
      // Assign positions before the epoch changes, because the lost history gave the same positions to these events.
      await assignPositions();
    }
    await fork.run();
    await setEpoch.run({ epoch: createEpoch() });
  });
}

function createEpoch(): string {
  return randomBytes(5).readUIntBE(0, 5).toString(36).padStart(8, '0');
}
