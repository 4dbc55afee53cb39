/** What is needed of a connection of better-sqlite3. */
export interface KeyConnection {
  prepare(sql: string): KeyStatement;
}
interface KeyStatement {
  get(...values: unknown[]): unknown;
  run(...values: unknown[]): { readonly changes: number };
  pluck(): KeyStatement;
}

/** How many expired keys are removed with each new key: more than one, so that they become fewer. */
const prunedWithOne = 10;
/** How many are removed in a transaction of their own: it takes a few ms. */
const prunedTogether = 1_000;

export interface PruningOptions {
  /** How many keys, and how many responses, are kept. */
  readonly keys: number;
  readonly responses: number;
  /** How often to look for expired keys, in ms: they must also go while no new keys arrive. */
  readonly pruneEvery: number;
  /** Keys that are no younger have expired, in ms since 1970. */
  oldest(): number;
}

/** Removes expired keys, and what exceeds the bounds: with each new key, and at intervals. */
export function openPruning(
  connection: KeyConnection,
  write: (fn: () => void) => Promise<void>,
  { keys, responses, pruneEvery, oldest }: PruningOptions,
) {
  const expired = 'FROM __idempotency_key WHERE created_at <= ?';
  const find = connection.prepare(`SELECT 1 ${expired} LIMIT 1`);
  const expire = connection.prepare(
    `DELETE FROM __idempotency_key WHERE rowid IN (SELECT rowid ${expired} ORDER BY created_at LIMIT ?)`,
  );
  // Each new key gets a higher rowid, so the newest keys are those with the highest.
  const last = '(SELECT max(rowid) FROM __idempotency_key)';
  const trim = connection.prepare(
    `DELETE FROM __idempotency_key WHERE rowid IN (
      SELECT rowid FROM __idempotency_key WHERE rowid <= ${last} - ${keys} ORDER BY rowid LIMIT ?)`,
  );
  const strip = connection.prepare(
    `UPDATE __idempotency_key SET status = NULL, body = NULL
    WHERE rowid BETWEEN ${last} - ${responses} - ? AND ${last} - ${responses} AND status IS NOT NULL`,
  );

  function prune(count: number): void {
    expire.run(oldest(), count);
    trim.run(count);
    strip.run(count);
  }

  let isClosed = false;
  async function pruneExpired(): Promise<void> {
    while (!isClosed && find.get(oldest()) !== undefined) await write(() => prune(prunedTogether));
  }
  // If the disk is full or another process holds the lock, the next time will do.
  const start = () => void pruneExpired().catch(() => {});
  const soon = setImmediate(start).unref();
  const timer = setInterval(start, pruneEvery).unref();
  return {
    /** Call it in the transaction that stores a new key. */
    pruneSome: () => prune(prunedWithOne),
    close(): void {
      isClosed = true;
      clearImmediate(soon);
      clearInterval(timer);
    },
  };
}
