import type { WriteConnection } from './savepoints.ts';

/** The transaction that reads share. */
export interface ReadTransaction {
  /** Before each read. */
  join(): void;
  /** Before each write, so that whoever reads after it sees it. */
  end(): void;
}

/**
 * Lets the reads of one turn of the event loop share a transaction: where there are many, each takes a third of the
 * time, as most of it is SQLite's locks. One that is alone in its turn needs none. They see one state of the database,
 * with all that this process has written; what another one writes meanwhile is seen with the next turn.
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
    // Some errors of a read have ended it.
    if (client.inTransaction) commit.run();
  }

  return {
    join() {
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
