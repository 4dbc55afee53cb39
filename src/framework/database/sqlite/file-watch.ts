import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type Client from 'better-sqlite3';
import { getLogger } from '../../logging/logger.ts';
import { isTruncated } from './inspect.ts';

const checkIntervalMs = 1_000;

/** A reason why writes to an open database would be lost. */
interface Damage {
  readonly reason: string;
  readonly remedy: string;
  /** Whether writes are accepted again when the same files are back. Nothing has been written meanwhile. */
  readonly canRecover: boolean;
}

const moved: Damage = {
  reason: 'its file was removed, moved or replaced',
  remedy: 'put the same file back; otherwise restore a backup and start the server again',
  canRecover: true,
};
const logMoved: Damage = {
  reason: 'its write-ahead log was removed, moved or replaced',
  remedy: 'stop the server with SIGTERM, which writes the log into the file, and start it again',
  canRecover: true,
};
const truncated: Damage = {
  reason: 'its file or its write-ahead log was truncated',
  remedy: 'stop the server, restore a backup and start the server again',
  canRecover: false,
};

interface FileWatch {
  /** The damage that the last check found. */
  damage(): Damage | undefined;
  close(): void;
}

/**
 * Checks once a second that the files of an open database are still the files at its path. SQLite does not notice when
 * open files are removed or replaced: it continues to write to files that the next start does not find.
 * @param file its path, with links resolved.
 * @param endReads ends the read transaction on this connection.
 */
export function watchDatabaseFiles(client: Client.Database, file: string, endReads: () => void): FileWatch {
  const wal = `${file}-wal`;
  const [main, log] = [file, wal].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  const pageSize = client.pragma('page_size', { simple: true }) as number;
  let { size } = main as BigIntStats;
  let current: Damage | undefined;
  let isChecking = false;
  let isClosed = false;

  async function check(): Promise<void> {
    if (isChecking || current?.canRecover === false) return;
    isChecking = true;
    try {
      const [mainNow, logNow] = await Promise.all([statFile(file), statFile(wal)]);
      if (isClosed) return;
      report(compare(mainNow, logNow));
      size = mainNow?.size ?? size;
    } finally {
      isChecking = false;
    }
  }

  function compare(mainNow?: BigIntStats, logNow?: BigIntStats): Damage | undefined {
    if (!isSameFile(main, mainNow)) return moved;
    if (!isSameFile(log, logNow)) return logMoved;
    endReads();
    if (client.inTransaction) return current;
    const isShorter = (mainNow as BigIntStats).size < size;
    return isLogTruncated() || (isShorter && isTruncated(client, file)) ? truncated : undefined;
  }

  /** Compares the log with the number of frames in its index, twice, because another process may restart the log. */
  function isLogTruncated(): boolean {
    const frames = countFrames();
    const found = statSync(wal, { throwIfNoEntry: false });
    // The next check reports a log that has been removed since this one began.
    if (found === undefined) return false;
    return found.size < 32 + frames * (24 + pageSize) && frames > 0 && frames === countFrames();
  }

  function countFrames(): number {
    const [row] = client.pragma('wal_checkpoint(NOOP)') as { log: number }[];
    return row?.log ?? 0;
  }

  function report(found: Damage | undefined): void {
    if (found === current) return;
    current = found;
    if (found === undefined) getLogger().info({ file }, 'the database files are back: writes are accepted');
    else {
      const { reason, remedy } = found;
      getLogger().error({ file, reason, remedy }, 'the database files changed: writes are rejected');
    }
  }

  // Ignore SQLite errors here: reads and writes meet them too, and report them.
  const timer = setInterval(() => void check().catch(() => {}), checkIntervalMs).unref();
  return {
    damage: () => current,
    close() {
      isClosed = true;
      clearInterval(timer);
    },
  };
}

function statFile(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}

function isSameFile(one?: BigIntStats, other?: BigIntStats): boolean {
  return one?.dev === other?.dev && one?.ino === other?.ino;
}
