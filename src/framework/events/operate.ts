import type { Database } from '../database/database.ts';
import { sql } from '../database/drizzle.ts';
import { nowMicros } from '../database/instant.ts';
import { firstParked } from './consumer-store.ts';
import type { CloudEvent } from './event-schemas.ts';
import { formatPosition, parsePosition } from './position.ts';

/** The stored state of a consumer. */
interface ConsumerState {
  readonly producer: string;
  /** The id of the last handled event; null: the consumer begins with the oldest event. */
  readonly position: string | null;
  /** The process that has the lease, as `host:pid:…`; null if none has. */
  readonly owner: string | null;
  /** Why the consumer has stopped; null if it has not. */
  readonly problem: string | null;
  /** The number of parked events: failed ones, and later events of their subjects. */
  readonly parked: number;
}

export interface ParkedState {
  readonly id: string;
  readonly producer: string;
  readonly event: CloudEvent;
  /** The error of the handler; null: the event waits for an earlier event of its subject. */
  readonly error: string | null;
}

const p = sql.placeholder;

export type EventOperations = ReturnType<typeof createEventOperations>;

/** Creates the operations on the consumers of a service. The server may run meanwhile. */
export function createEventOperations(database: Database) {
  const { prepare } = database;
  const selectConsumers = prepare(
    sql`SELECT producer, position, owner, lease_until, problem,
        (SELECT count(*) FROM __parked_event WHERE __parked_event.producer = __consumer.producer)
      FROM __consumer ORDER BY producer`,
  );
  const selectParked = prepare(
    sql`SELECT event_id, producer, event, error FROM __parked_event ORDER BY producer, id`,
  );
  const release = prepare(
    sql`UPDATE __parked_event SET is_due = 1 WHERE event_id = ${p('id')} AND id IN ${firstParked}`,
  );
  const remove = prepare(sql`DELETE FROM __parked_event WHERE event_id = ${p('id')}`);
  const setPosition = prepare(
    sql`UPDATE __consumer SET position = ${p('position')}, problem = NULL WHERE producer = ${p('producer')}`,
  );

  async function listParked(): Promise<ParkedState[]> {
    const rows = (await selectParked.all()) as [string, string, string, string | null][];
    return rows.map(([id, producer, event, error]) => ({ id, producer, event: JSON.parse(event), error }));
  }

  return {
    async listConsumers(): Promise<ConsumerState[]> {
      type Row = [string, string | null, string | null, number, string | null, number];
      const now = nowMicros();
      return ((await selectConsumers.all()) as Row[]).map(
        ([producer, position, owner, leaseUntil, problem, parked]) => {
          return { producer, position, owner: leaseUntil > now ? owner : null, problem, parked };
        },
      );
    },
    listParked,
    /** Lets the consumer try a parked event again. Resolves with false if an earlier event of its subject waits. */
    retry: async (id: string): Promise<boolean> => (await release.run({ id })).changes > 0,
    /** Deletes a parked event. The next event of its subject follows. */
    skip: async (id: string): Promise<void> => void (await remove.run({ id })),
    /** Sets the position of a consumer; null for the oldest event. Resolves with false if there is no such consumer. */
    replay: async (producer: string, position: string | null): Promise<boolean> =>
      (await setPosition.run({ producer, position })).changes > 0,
  };
}

/** Reads the newest position of the feed in a database; undefined if its service emits no events. */
export async function readNewest(database: Database): Promise<string | undefined> {
  const select = database.prepare(sql`SELECT epoch, last FROM __feed`);
  const row = (await select.get()) as [string, number] | undefined;
  return row && formatPosition({ epoch: row[0], number: row[1] });
}

/** Whether the feed in a database has given a position, in its history or in one that a restore has ended. */
export async function hasPosition(database: Database, id: string): Promise<boolean> {
  const { epoch, number } = parsePosition(id);
  const select = database.prepare(
    sql`SELECT epoch, last FROM __feed UNION ALL SELECT epoch, last FROM __feed_fork`,
  );
  const histories = (await select.all()) as [string, number][];
  return histories.some(([one, last]) => one === epoch && number <= last);
}
