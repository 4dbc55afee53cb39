import { describeDatabaseUrl, isPostgresUrl, parseDatabaseUrl } from '../../config/database-url.ts';
import { DatabaseError } from '../database-error.ts';
import { openDatabase, readMigrationStatus } from '../open-database.ts';
import type { CopySide, Role, TableShape } from './side.ts';
import { SqliteSide } from './sqlite-side.ts';
import { digestTable, TableDigest } from './table-digest.ts';

interface CopyOptions {
  readonly service: string;
  readonly migrations: URL;
  /** Database URLs, as in the config. */
  readonly from: string;
  readonly to: string;
  /** Called after each batch of rows. */
  readonly onProgress?: (action: 'copied' | 'verified', table: string, rows: number) => void;
}

export interface CopiedTable {
  readonly table: string;
  readonly rows: number;
  /** The checksum of all rows. Both databases give the same checksum for the same rows. */
  readonly checksum: string;
}

interface TableToCopy {
  readonly name: string;
  readonly columns: readonly string[];
}

/**
 * Copies the database of a service, with ids, counters of ids and idempotency keys, to a database without rows. It reads
 * one state of the source, and writes one transaction: a copy that fails or is killed leaves a target without rows.
 * Before it commits, it reads all rows of the target again and compares their number and checksum.
 * @throws {DatabaseError} if a database cannot be used, if their migrations are not those of this version, or if the
 * target has rows.
 */
export async function copyDatabase(options: CopyOptions): Promise<CopiedTable[]> {
  const { service, from, to } = options;
  await assertMigrated(options);
  const source = await openSide(from, service, 'source');
  try {
    await migrateTarget(options);
    const target = await openSide(to, service, 'target');
    try {
      return await copyAll(source, target, options);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function copyAll(source: CopySide, target: CopySide, options: CopyOptions): Promise<CopiedTable[]> {
  const { onProgress = () => {}, to } = options;
  const shapes = await target.listTables();
  for (const { name, columns } of shapes) {
    // A server that has started on the target has created a feed there. Delete it, because the feed of the source
    // replaces it.
    if (name === '__feed') await target.clear(name);
    for await (const _ of target.read(name, columns))
      throw unusable(to, `it is not empty: ${name} has rows. Name an empty database`);
  }
  const tables = matchTables(await source.listTables(), shapes, to);
  const copied: CopiedTable[] = [];
  for (const { name, columns } of tables) {
    const digest = new TableDigest();
    for await (const rows of source.read(name, columns)) {
      digest.add(rows);
      await target.insert(name, columns, rows);
      onProgress('copied', name, digest.rows);
    }
    copied.push({ table: name, rows: digest.rows, checksum: digest.checksum });
  }
  for (const id of await target.listIdColumns()) {
    if (tables.some(({ name }) => name === id.table)) await target.setLastId(id, await source.readLastId(id));
  }
  for (const [index, { name, columns }] of tables.entries()) {
    const digest = await digestTable(target, name, columns, (rows) => onProgress('verified', name, rows));
    const { rows, checksum } = copied[index] as CopiedTable;
    if (rows !== digest.rows || checksum !== digest.checksum)
      throw unusable(
        to,
        `${name} differs from the source (${digest.rows} of ${rows} rows). Nothing was copied`,
      );
  }
  await target.commit();
  return copied;
}

/** Returns the tables of the source with the columns to copy. */
function matchTables(
  source: readonly TableShape[],
  target: readonly TableShape[],
  to: string,
): TableToCopy[] {
  return source.map((one) => {
    const other = target.find(({ name }) => name === one.name);
    if (other === undefined) throw unusable(to, `it has no table ${one.name}, which the source has`);
    const columns = one.hasHiddenRowid && hasRowid(other) ? ['rowid', ...one.columns] : one.columns;
    const expected = other.hasHiddenRowid && hasRowid(one) ? ['rowid', ...other.columns] : other.columns;
    const missing =
      columns.find((name) => !expected.includes(name)) ?? expected.find((name) => !columns.includes(name));
    if (missing !== undefined)
      throw unusable(to, `only one of the databases has the column ${one.name}.${missing}`);
    return { name: one.name, columns };
  });
}

/** Whether a table has a `rowid`, by which a copy keeps the order of the rows of a table without an id column. */
function hasRowid({ hasHiddenRowid, columns }: TableShape): boolean {
  return hasHiddenRowid || columns.includes('rowid');
}

/** @throws {DatabaseError} if the migrations of the source are not exactly those of this version. */
async function assertMigrated({ from, migrations, service }: CopyOptions): Promise<void> {
  const pending = (await readMigrationStatus(from, migrations, service)).filter(({ applied }) => !applied);
  if (pending.length > 0)
    throw unusable(
      from,
      `it does not have the migration ${pending[0]?.name}. Name another source, or apply it first`,
    );
}

/** Creates the tables of an empty target. */
async function migrateTarget({ to, migrations, service }: CopyOptions): Promise<void> {
  const status = await readMigrationStatus(to, migrations, service);
  const pending = status.find(({ applied }) => !applied);
  if (pending !== undefined && status.some(({ applied }) => applied))
    throw unusable(to, `it does not have the migration ${pending.name}. Name an empty database`);
  await (await openDatabase(to, { migrations, service })).close();
}

async function openSide(url: string, service: string, role: Role): Promise<CopySide> {
  if (!isPostgresUrl(url)) return new SqliteSide(parseDatabaseUrl(url).file, role);
  const { PostgresSide } = await import('./postgres-side.ts');
  return PostgresSide.open(url, service, role);
}

function unusable(url: string, reason: string): DatabaseError {
  return new DatabaseError(`database ${describeDatabaseUrl(url)}: ${reason}`);
}
