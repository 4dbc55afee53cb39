import type { Database } from '../database/database.ts';
import { sql } from '../database/drizzle.ts';
import { nowMicros } from '../database/instant.ts';
import type { CloudEvent } from './event-schemas.ts';
import { createOwner, endOwner, hasEnded } from './lease-owner.ts';

/** The duration of a lease, in µs. A process on another host takes over after that. */
const leaseMicros = 60_000_000;
/**
 * The lease is renewed when less than this is left, in µs. It is longer than a poll, and longer than a handler together
 * with the pause before it.
 */
const renewMicros = 45_000_000;

/** Another process has the lease, or an operator has moved the position. The write is rolled back. */
export class LeaseLost extends Error {}

/** An event that waits because its handler failed, or because an earlier event of its subject waits. */
export interface ParkedEvent {
  readonly id: number;
  readonly event: CloudEvent;
  /** The error of its handler; null if it waits for an earlier event. */
  readonly error: string | null;
}

const p = sql.placeholder;
const ofProducer = sql`producer = ${p('producer')}`;

/**
 * The ids of the parked events that are the first of their subjects, in the order of the feed. After a replay an earlier
 * event may be parked after a later one. An id is 8 characters for its history, `-` and a number.
 */
export const firstParked = sql`(SELECT id FROM (
  SELECT id, row_number() OVER (PARTITION BY producer, subject ORDER BY history, length(event_id), event_id) AS nth
  FROM (SELECT id, producer, subject, event_id,
    min(id) OVER (PARTITION BY producer, substr(event_id, 1, 8)) AS history FROM __parked_event) AS parked
  ) AS ordered WHERE nth = 1)`;

export type ConsumerStore = ReturnType<typeof createConsumerStore>;

/**
 * Creates the access to the state of a consumer: its position, its lease and its parked events. They are in the database
 * of the service that consumes. The position is written in the transaction of the effects, and only while this process
 * has the lease. So each event has its effect once.
 */
export function createConsumerStore(database: Database, producer: string) {
  return { ...createPosition(database, producer), ...createParkedEvents(database, producer) };
}

/** Creates the access to the position of a consumer, to the lease that permits its change, and to the reason of a stop. */
function createPosition({ prepare }: Database, producer: string) {
  const me = createOwner();
  const create = prepare(
    sql`INSERT INTO __consumer (producer, lease_until) VALUES (${p('producer')}, 0) ON CONFLICT (producer) DO NOTHING`,
  );
  const select = prepare(
    sql`SELECT position, owner, lease_until, problem FROM __consumer WHERE ${ofProducer}`,
  );
  const setLease = prepare(
    sql`UPDATE __consumer SET owner = ${p('owner')}, lease_until = CAST(${p('until')} AS bigint)
      WHERE ${ofProducer} AND owner IS NOT DISTINCT FROM CAST(${p('expected')} AS text)`,
  );
  const setPosition = prepare(
    sql`UPDATE __consumer SET position = ${p('position')}, lease_until = CAST(${p('until')} AS bigint), problem = NULL
      WHERE ${ofProducer} AND owner = ${p('owner')}
      AND position IS NOT DISTINCT FROM CAST(${p('expected')} AS text)`,
  );
  const setProblem = prepare(
    sql`UPDATE __consumer SET problem = ${p('problem')} WHERE ${ofProducer} AND owner = ${p('owner')}`,
  );
  const until = () => nowMicros() + leaseMicros;

  async function read() {
    type Row = [string | null, string | null, number, string | null];
    let row = (await select.get({ producer })) as Row | undefined;
    if (row === undefined) {
      await create.run({ producer });
      row = (await select.get({ producer })) as Row;
    }
    const [position, owner, leaseUntil, problem] = row;
    return { position, owner, leaseUntil, problem };
  }

  /** The end of the lease of this process, as far as it is known. */
  let ends = 0;

  async function acquire(): Promise<boolean> {
    const { owner, leaseUntil } = await read();
    const now = nowMicros();
    const isMine = owner === me;
    ends = leaseUntil;
    // If the clock was set back, the lease ends too late for another host to take over in time.
    if (isMine && leaseUntil - now > renewMicros && leaseUntil - now <= leaseMicros) return true;
    if (!isMine && owner !== null && leaseUntil > now && !hasEnded(owner)) return false;
    ends = until();
    const { changes } = await setLease.run({ producer, owner: me, until: ends, expected: owner });
    return changes === 1;
  }

  return {
    read,
    /** Takes the lease if it is free, and renews it before it expires. Resolves with whether this process has it. */
    acquire,
    /**
     * Renews the lease before it expires. Called before each handler, because several may take longer than a lease.
     * @throws {LeaseLost} if another process has taken over.
     */
    async keep(): Promise<void> {
      if (ends - nowMicros() > renewMicros) return;
      if (!(await acquire())) throw new LeaseLost('the lease of the consumer is lost');
    },
    /** Frees the lease, so that another instance takes over immediately. */
    async release(): Promise<void> {
      endOwner(me);
      await setLease.run({ producer, owner: null, until: 0, expected: me });
    },
    /**
     * Moves the position, as the last statement of the write with the effects.
     * @throws {LeaseLost} if another process has taken over, or an operator has moved the position.
     */
    async advance(from: string | null, to: string): Promise<void> {
      const values = { producer, owner: me, position: to, expected: from, until: until() };
      if ((await setPosition.run(values)).changes !== 1)
        throw new LeaseLost('the lease of the consumer is lost');
    },
    /** Stores why the consumer has stopped. `/ready` of every instance reports it. */
    stop: (problem: string) => setProblem.run({ producer, problem, owner: me }),
  };
}

/** Creates the access to the parked events of a consumer. */
function createParkedEvents({ prepare }: Database, producer: string) {
  // After a replay, the consumer may park an event that is already parked.
  const insertParked = prepare(
    sql`INSERT INTO __parked_event (producer, event_id, subject, event, error, is_due)
      VALUES (${p('producer')}, ${p('eventId')}, ${p('subject')}, ${p('event')}, ${p('error')}, 0)
      ON CONFLICT (producer, event_id) DO NOTHING`,
  );
  const selectSubjects = prepare(sql`SELECT DISTINCT subject FROM __parked_event WHERE ${ofProducer}`);
  const selectDue = prepare(
    sql`SELECT id, event, error FROM __parked_event
      WHERE ${ofProducer} AND (is_due = 1 OR error IS NULL) AND id IN ${firstParked} ORDER BY id LIMIT 1`,
  );
  const selectFailed = prepare(
    sql`SELECT event_id FROM __parked_event WHERE ${ofProducer} AND error IS NOT NULL ORDER BY id LIMIT 100`,
  );
  const setFailed = prepare(
    sql`UPDATE __parked_event SET error = ${p('error')}, is_due = 0 WHERE id = CAST(${p('id')} AS bigint)`,
  );
  const remove = prepare(sql`DELETE FROM __parked_event WHERE id = CAST(${p('id')} AS bigint)`);

  return {
    /** Parks an event, in a write that also moves the position. */
    park: (event: CloudEvent, error: string | null) =>
      insertParked.run({
        producer,
        eventId: event.id,
        subject: event.subject,
        event: JSON.stringify(event),
        error,
      }),
    async parkedSubjects(): Promise<ReadonlySet<string>> {
      const rows = (await selectSubjects.all({ producer })) as [string][];
      return new Set(rows.map(([subject]) => subject));
    },
    /** Returns the ids of parked events whose handlers failed, up to 100. */
    async failedIds(): Promise<string[]> {
      return ((await selectFailed.all({ producer })) as [string][]).map(([id]) => id);
    },
    /** Returns a parked event to handle: an operator has released it, or it waits and no earlier event does. */
    async nextDue(): Promise<ParkedEvent | undefined> {
      const row = (await selectDue.get({ producer })) as [number, string, string | null] | undefined;
      return row && { id: row[0], event: JSON.parse(row[1]), error: row[2] };
    },
    /** Removes a parked event in the write of its effect. The next event of its subject follows. */
    async unpark({ id }: ParkedEvent): Promise<void> {
      if ((await remove.run({ id })).changes !== 1) throw new LeaseLost('the parked event is gone');
    },
    fail: ({ id }: ParkedEvent, error: string) => setFailed.run({ id, error }),
  };
}
