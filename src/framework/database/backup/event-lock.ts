import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../postgres/connection.ts';
import { isConflict, isDisconnected, unusableDatabase } from '../postgres/errors.ts';
import { type PostgresUrl, parsePostgresUrl } from '../postgres/url.ts';
import { quoteName } from '../quote-name.ts';
import type { PostgresDatabase } from './manifest.ts';

/**
 * The tries to lock the events, and ms for each try. Writes that emit events wait behind a try. By default a try is
 * shorter than the time that a write may wait for a lock, and the pause between two tries lets the writes pass.
 */
const limits = { tries: 20, tryMs: 50, pauseMs: 50, statementMs: 60_000 };

/**
 * The lock of the events of services that share a database. While it is held, no transaction with an event is open.
 * Events get ids before COMMIT and positions later. So an event that is committed after the snapshot could get a position
 * before one that is in the snapshot. A restored history would then differ from the lost one at positions that seem to be
 * the same.
 */
export class EventLock {
  readonly #url: string;
  readonly #schemas: readonly string[];
  readonly #connection: Connection;
  #isHeld = false;

  /** @param databases services of one database, at least one. */
  constructor(databases: readonly PostgresDatabase[]) {
    const parsed = databases.map(({ url, service }) => parsePostgresUrl(url, service));
    const [{ connectionString }] = parsed as [PostgresUrl];
    const { statementMs, tryMs } = limits;
    const options = { connectionString, schema: 'pg_catalog', application: 'backup', statementMs };
    this.#url = (databases[0] as PostgresDatabase).url;
    this.#schemas = parsed.map(({ schema }) => schema);
    this.#connection = new Connection({ ...options, lockMs: tryMs });
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /**
   * Resolves with false if a transaction with an event is open, so that a later try can succeed.
   * @throws {DatabaseError} if the server does not respond.
   */
  async try(): Promise<boolean> {
    try {
      await this.#connection.ready();
      const tables = await this.#listTables();
      await this.#run('BEGIN');
      if (tables.length > 0) await this.#run(`LOCK TABLE ${tables.join(', ')} IN SHARE MODE`);
      this.#isHeld = true;
      return true;
    } catch (error) {
      if (isDisconnected(error)) throw unusableDatabase(this.#url, error);
      await this.release();
      // Otherwise it is a standby server, or rights are missing: no try succeeds.
      return !isConflict(error);
    }
  }

  async #listTables(): Promise<string[]> {
    const { rows } = await this.#connection.run({
      text: "SELECT schemaname FROM pg_tables WHERE tablename = '__event' AND schemaname = ANY($1::text[])",
      values: [this.#schemas],
    });
    return rows.map(([schema]) => `${quoteName(schema as string)}.__event`).sort();
  }

  async release(): Promise<void> {
    this.#isHeld = false;
    await this.#run('ROLLBACK');
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #run(text: string): Promise<void> {
    await this.#connection.run({ text });
  }
}

/**
 * Acquires locks together, so that none is held while another one waits. After the last try, locks that are not free are
 * not held, for example during a long transaction or VACUUM. The backup is complete without them, and consumers may handle
 * its last events again after a restore.
 */
export async function acquireTogether(locks: readonly EventLock[]): Promise<void> {
  for (let left = limits.tries; left > 0; left -= 1) {
    const results = await Promise.all(locks.map((lock) => lock.try()));
    if (results.every((isDone) => isDone) || left === 1) return;
    await releaseTogether(locks);
    await sleep(limits.pauseMs);
  }
}

export async function releaseTogether(locks: readonly EventLock[]): Promise<void> {
  for (const lock of locks) if (lock.isHeld) await lock.release();
}
