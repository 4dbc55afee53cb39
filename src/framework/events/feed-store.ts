import type { Database } from '../database/database.ts';
import { type SQL, sql } from '../database/drizzle.ts';
import { beginHistory } from './feed-history.ts';
import { createRetention } from './feed-retention.ts';
import type { Position } from './position.ts';

/** An event as it is stored. `data` is JSON; `time` is in µs since 1970. */
interface NewEvent {
  readonly type: string;
  readonly subject: string;
  readonly time: number;
  readonly data: string;
  readonly traceparent: string | null;
}

export interface StoredEvent extends NewEvent {
  readonly position: number;
}

/** The ends of a feed. */
export interface FeedState {
  readonly epoch: string;
  /** The position of the newest event that has one. */
  readonly last: number;
  /** The position of the newest event that retention has deleted. */
  readonly oldest: number;
  /** Whether there are events without a position. */
  readonly hasNew: boolean;
}

interface InvalidPosition {
  /** `gone`: events after the position are deleted. `rewound`: the position belongs to another history. */
  readonly reason: 'gone' | 'rewound';
  /** The last position that both histories share; undefined if it is not known, or if there is one history. */
  readonly shared: number | undefined;
}

/** How many events get a position in one write. */
const assignedTogether = 1_000;

const p = sql.placeholder;

export type FeedStore = Awaited<ReturnType<typeof openFeedStore>>;

/**
 * Opens the feed of a service, in the service's database, with SQL that both SQLite and PostgreSQL understand. Readers
 * give positions to the committed events, under the lock of one row. So no event gets a position that a reader has
 * already passed, and writers never wait for each other.
 */
export async function openFeedStore(database: Database) {
  const { prepare } = database;
  // Plan these statements each time, because a new feed is empty and may grow by thousands of events in a second.
  const prepareSearch = (query: SQL) => prepare(query, { isPlannedEachTime: true });
  const insert = database.prepareInsert('__event', ['type', 'subject', 'time', 'data', 'traceparent']);
  const selectState = prepareSearch(
    sql`SELECT epoch, last, oldest, CASE WHEN EXISTS (SELECT 1 FROM __event WHERE position IS NULL) THEN 1 ELSE 0 END
      FROM __feed`,
  );
  const lock = prepare(sql`UPDATE __feed SET last = last`);
  const assign = prepareSearch(
    sql`UPDATE __event SET position = new.position FROM (
        SELECT id, (SELECT last FROM __feed) + row_number() OVER (ORDER BY id) AS position
        FROM __event WHERE position IS NULL ORDER BY id LIMIT ${sql.raw(String(assignedTogether))}
      ) AS new WHERE __event.id = new.id`,
  );
  const advance = prepare(sql`UPDATE __feed SET last = last + CAST(${p('count')} AS bigint)`);
  const columns = sql`SELECT position, type, subject, time, data, traceparent FROM __event
    WHERE position > CAST(${p('after')} AS bigint)`;
  const inOrder = sql`ORDER BY position LIMIT CAST(${p('limit')} AS bigint)`;
  const select = prepareSearch(sql`${columns} ${inOrder}`);
  // `types` is like `,pet.created,pet.deleted,`. Both databases have replace().
  const selectOfTypes = prepareSearch(
    sql`${columns} AND replace(CAST(${p('types')} AS text), ',' || type || ',', '') <> CAST(${p('types')} AS text)
      ${inOrder}`,
  );
  const selectNewest = prepareSearch(sql`SELECT time FROM __event ORDER BY id DESC LIMIT 1`);
  const selectFork = prepare(sql`SELECT last FROM __feed_fork WHERE epoch = ${p('epoch')}`);

  async function readState(): Promise<FeedState> {
    const [epoch, last, oldest, hasNew] = (await selectState.get()) as [string, number, number, number];
    return { epoch, last, oldest, hasNew: hasNew === 1 };
  }

  /**
   * Gives positions to the events that are committed now. Writes nothing if all events have one. Stops after a write
   * that was not full, because under load there are always new events.
   */
  async function assignPositions(): Promise<FeedState> {
    const state = await readState();
    if (!state.hasNew) return state;
    for (let count = assignedTogether; count === assignedTogether; ) {
      count = await database.write(async () => {
        await lock.run();
        const { changes } = await assign.run();
        await advance.run({ count: changes });
        return changes;
      });
    }
    return readState();
  }

  await beginHistory(database, assignPositions);

  return {
    /** Adds an event to the running write. */
    append: ({ type, subject, time, data, traceparent }: NewEvent) =>
      insert([type, subject, time, data, traceparent]),
    readState,
    assignPositions,
    /** Resolves with the time of the newest event, in ms since 1970; undefined if there is none. */
    async newestMs(): Promise<number | undefined> {
      const row = (await selectNewest.get()) as [number] | undefined;
      return row && row[0] / 1_000;
    },
    /** Deletes some events that are older than a time in µs, the oldest first. Resolves with whether more may be left. */
    prune: createRetention(database, assignPositions),
    /**
     * Reads up to `limit` events after a position, of the given types or of all.
     * @param after 0 for the oldest.
     */
    async read(after: number, limit: number, types: readonly string[] | undefined): Promise<StoredEvent[]> {
      const rows = await (types === undefined
        ? select.all({ after, limit })
        : selectOfTypes.all({ after, limit, types: `,${types.join(',')},` }));
      return (rows as unknown[][]).map(
        ([position, type, subject, time, data, traceparent]) =>
          ({ position, type, subject, time, data, traceparent }) as StoredEvent,
      );
    },
    /** Returns why a position is not valid; undefined if it is. */
    async findInvalid({ epoch, number }: Position, state: FeedState): Promise<InvalidPosition | undefined> {
      if (epoch !== state.epoch) {
        const row = (await selectFork.get({ epoch })) as [number] | undefined;
        const shared = row?.[0];
        if (shared === undefined || number > shared) return { reason: 'rewound', shared };
      } else if (number > state.last) return { reason: 'rewound', shared: undefined };
      return number < state.oldest ? { reason: 'gone', shared: undefined } : undefined;
    },
  };
}
