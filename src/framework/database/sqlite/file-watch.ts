import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type Client from 'better-sqlite3';
import { getLogger } from '../../logging/logger.ts';
import { isTruncated } from './files.ts';

/** How often the files are compared, in ms. */
const checkEvery = 1_000;

/** What is wrong with the files of an open database. */
interface Fault {
  readonly fault: string;
  readonly remedy: string;
  /** Whether it is over when the same files are back. Nothing has been written meanwhile. */
  readonly mayEnd: boolean;
}

const faults = {
  moved: {
    fault: 'its file was removed, moved or replaced',
    remedy: 'put the same file back; otherwise restore a backup and start the server again',
    mayEnd: true,
  },
  logMoved: {
    fault: 'its write-ahead log was removed, moved or replaced',
    remedy: 'stop the server with SIGTERM, which writes the log into the file, and start it again',
    mayEnd: true,
  },
  cut: {
    fault: 'its file or its write-ahead log was cut off',
    remedy: 'stop the server, restore a backup and start the server again',
    mayEnd: false,
  },
} as const satisfies Record<string, Fault>;

export interface FileWatch {
  /** What was wrong at the last check. */
  fault(): Fault | undefined;
  close(): void;
}

/**
 * Checks once a second that the files of an open database are still those at its path. A process that has them open
 * does not notice when they are removed or replaced: it goes on writing into what the next start does not find.
 * @param file its path, links followed.
 * @param beforeRead ends the transaction in which others read on this connection.
 */
export function watchDatabaseFiles(client: Client.Database, file: string, beforeRead: () => void): FileWatch {
  const wal = `${file}-wal`;
  const [main, log] = [file, wal].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  const pageSize = client.pragma('page_size', { simple: true }) as number;
  let { size } = main as BigIntStats;
  let current: Fault | undefined;
  let isChecking = false;

  async function check(): Promise<void> {
    if (isChecking || current?.mayEnd === false) return;
    isChecking = true;
    try {
      const [mainNow, logNow] = await Promise.all([find(file), find(wal)]);
      if (isClosed) return;
      report(compare(mainNow, logNow));
      size = mainNow?.size ?? size;
    } finally {
      isChecking = false;
    }
  }

  function compare(mainNow?: BigIntStats, logNow?: BigIntStats): Fault | undefined {
    if (!isSame(main, mainNow)) return faults.moved;
    if (!isSame(log, logNow)) return faults.logMoved;
    beforeRead();
    if (client.inTransaction) return current;
    const isShorter = (mainNow as BigIntStats).size < size;
    return isLogCut() || (isShorter && isTruncated(client, file)) ? faults.cut : undefined;
  }

  /** The log has at least the frames that its index counts. Other processes may begin it again between two steps. */
  function isLogCut(): boolean {
    const before = countFrames();
    const { size: found } = statSync(wal, { throwIfNoEntry: false }) ?? { size: 0 };
    return found < 32 + before * (24 + pageSize) && before > 0 && before === countFrames();
  }

  function countFrames(): number {
    const [row] = client.pragma('wal_checkpoint(NOOP)') as { log: number }[];
    return row?.log ?? 0;
  }

  function report(found: Fault | undefined): void {
    if (found === current) return;
    current = found;
    if (found === undefined) getLogger().info({ file }, 'the database files are back: writes are accepted');
    else {
      const { fault, remedy } = found;
      getLogger().error({ file, fault, remedy }, 'the database files changed: writes are rejected');
    }
  }

  let isClosed = false;
  // An error of SQLite is one that reads and writes meet too, and report.
  const timer = setInterval(() => void check().catch(() => {}), checkEvery).unref();
  return {
    fault: () => current,
    close() {
      isClosed = true;
      clearInterval(timer);
    },
  };
}

function find(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}

function isSame(one?: BigIntStats, other?: BigIntStats): boolean {
  return one?.dev === other?.dev && one?.ino === other?.ino;
}
