import type { WriteConnection } from './savepoints.ts';

/** The transaction that the reads of one event-loop turn share. */
export interface ReadTransaction {
  /** Called before each read. */
  beforeRead(): void;
  /** Ends the transaction. Called before each write, so that later reads see it. */
  end(): void;
}

/**
 * Lets the reads of one event-loop turn share a transaction, because the locks of SQLite take most of the time of a
 * read. With many reads in a turn, each takes a third of the time. A single read in its turn needs no transaction. The
 * reads see one state of the database, which includes all writes of this process. They see the writes of other
 * processes from the next turn on.
 */
export function createReadTransaction(client: WriteConnection): ReadTransaction {
  const begin = client.prepare('BEGIN');
  const commit = client.prepare('COMMIT');
  let reads = 0;
  let isOpen = false;

  function end(): void {
    reads = 0;
    if (!isOpen) return;
    isOpen = false;
    // Some errors of a read end the transaction.
    if (client.inTransaction) commit.run();
  }

  return {
    beforeRead() {
      reads += 1;
      if (reads === 1) setImmediate(end);
      else if (reads === 2 && !client.inTransaction) {
        begin.run();
        isOpen = true;
      }
    },
    end,
  };
}
