import { DatabaseError } from '../database-error.ts';
import { Connection, type Outcome } from '../postgres/connection.ts';
import { isDisconnected, unusableDatabase } from '../postgres/errors.ts';
import { parsePostgresUrl } from '../postgres/url.ts';
import { quoteName } from '../quote-name.ts';
import { type Column, createReader, encode, type Reader } from './postgres-values.ts';
import {
  batchRows,
  type CopySide,
  type IdColumn,
  migrationsTable,
  type Role,
  type TableShape,
  type Value,
} from './side.ts';

/** ms for a statement of a copy, for example the check of a foreign key, and for a lock. */
const statementMs = 3_600_000;
const lockMs = 60_000;

const listColumns = `
  SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
    pg_get_serial_sequence(quote_ident(c.relname), a.attname)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  ORDER BY c.relname, a.attnum`;

const listForeignKeys = `
  SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(k.oid)
  FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
  WHERE n.nspname = current_schema() AND contype = 'f'`;

/** The schema of a service in PostgreSQL as the source or the target of a copy. */
export class PostgresSide implements CopySide {
  readonly #connection: Connection;
  readonly #url: string;
  readonly #tables = new Map<string, Column[]>();
  #foreignKeys: readonly (readonly string[])[] = [];

  private constructor(url: string, service: string) {
    const { connectionString, schema } = parsePostgresUrl(url, service);
    const application = `${service} copy`;
    this.#url = url;
    this.#connection = new Connection({ connectionString, schema, application, statementMs, lockMs });
  }

  /**
   * @param snapshot the exported snapshot that a source reads.
   * @throws {DatabaseError} if the database cannot be used.
   */
  static async open(url: string, service: string, role: Role, snapshot?: string): Promise<PostgresSide> {
    const side = new PostgresSide(url, service);
    try {
      await side.#begin(role, snapshot);
      return side;
    } catch (error) {
      await side.close();
      throw error;
    }
  }

  async #begin(role: Role, snapshot: string | undefined): Promise<void> {
    await this.#run(role === 'target' ? 'BEGIN' : 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    if (snapshot !== undefined) await this.#run(`SET TRANSACTION SNAPSHOT '${snapshot}'`);
    // The transaction is idle while the other side works.
    await this.#run('SET LOCAL idle_in_transaction_session_timeout = 0');
    const { rows } = await this.#run(listColumns);
    for (const [table, name, type, sequence] of rows as [string, string, string, string | null][]) {
      if (table === migrationsTable) continue;
      this.#tables.set(table, [...(this.#tables.get(table) ?? []), { name, type, sequence }]);
    }
    if (role === 'source' || this.#tables.size === 0) return;
    await this.#run(`LOCK TABLE ${[...this.#tables.keys()].map(quoteName).join(', ')} IN EXCLUSIVE MODE`);
    // Drop the foreign keys, because a table may be copied before the tables that it refers to. `commit` adds the keys
    // again.
    this.#foreignKeys = (await this.#run(listForeignKeys)).rows as string[][];
    for (const [table, name] of this.#foreignKeys)
      await this.#run(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
  }

  async listTables(): Promise<TableShape[]> {
    return [...this.#tables].map(([name, columns]) => ({
      name,
      columns: columns.map((column) => column.name),
      hasHiddenRowid: false,
    }));
  }

  /** Whether the schema exists, with tables or without. */
  async hasSchema(): Promise<boolean> {
    return (await this.#run('SELECT 1 WHERE current_schema() IS NOT NULL')).rows.length > 0;
  }

  /** Returns the hashes of the applied migrations, in their order; none if the schema has no table of migrations. */
  async listMigrations(): Promise<string[]> {
    const table = await this.#run(`SELECT 1 WHERE to_regclass('${migrationsTable}') IS NOT NULL`);
    if (table.rows.length === 0) return [];
    const { rows } = await this.#run(`SELECT hash FROM ${migrationsTable} ORDER BY id`);
    return rows.map(([hash]) => hash as string);
  }

  async *read(table: string, columns: readonly string[]): AsyncGenerator<Value[][]> {
    const readers = columns.map((name) => createReader(this.#column(table, name)));
    const expressions = readers.map(({ expression }) => expression).join(', ');
    await this.#run(
      `DECLARE rows_to_copy NO SCROLL CURSOR FOR SELECT ${expressions} FROM ${quoteName(table)}`,
    );
    for (;;) {
      const { rows } = await this.#run(`FETCH FORWARD ${batchRows} FROM rows_to_copy`);
      if (rows.length === 0) break;
      yield rows.map((row) =>
        row.map((value, index) =>
          value === null ? null : (readers[index] as Reader).decode(value as string),
        ),
      );
    }
    await this.#run('CLOSE rows_to_copy');
  }

  async readLastId({ table, column }: IdColumn): Promise<bigint> {
    const largest = `SELECT max(${quoteName(column)}) AS id FROM ${quoteName(table)}`;
    const { sequence } = this.#column(table, column);
    const given = `SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM ${sequence}`;
    const ids = sequence === null ? largest : `${largest} UNION ALL ${given}`;
    const { rows } = await this.#run(`SELECT coalesce(max(id), 0)::text FROM (${ids}) AS ids`);
    return BigInt(rows[0]?.[0] as string);
  }

  async clear(table: string): Promise<void> {
    await this.#run(`DELETE FROM ${quoteName(table)}`, [], table);
  }

  async insert(table: string, columns: readonly string[], rows: readonly Value[][]): Promise<void> {
    const found = columns.map((name) => this.#column(table, name));
    const lists = found.map(({ type }, index) => `$${index + 1}::${type === 'bytea' ? type : 'text'}[]`);
    const casts = found.map(({ type }, index) => `c${index}::${type}`);
    const text = `INSERT INTO ${quoteName(table)} (${columns.map(quoteName).join(', ')}) OVERRIDING SYSTEM VALUE
      SELECT ${casts.join(', ')} FROM unnest(${lists.join(', ')}) AS r(${found.map((_, index) => `c${index}`).join(', ')})`;
    const values = found.map((column, index) => rows.map((row) => encode(row[index] as Value, column)));
    await this.#run(text, values, table);
  }

  async listIdColumns(): Promise<IdColumn[]> {
    return [...this.#tables].flatMap(([table, columns]) =>
      columns.filter(({ sequence }) => sequence !== null).map(({ name }) => ({ table, column: name })),
    );
  }

  async setLastId({ table, column }: IdColumn, last: bigint): Promise<void> {
    const values = [this.#column(table, column).sequence, String(last)];
    if (last > 0n) await this.#run('SELECT setval($1::text::regclass, $2::bigint)', values);
  }

  async commit(): Promise<void> {
    for (const [table, name, definition] of this.#foreignKeys)
      await this.#run(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`);
    const { command } = await this.#run('COMMIT');
    if (command !== 'COMMIT') throw unusableDatabase(this.#url, new Error('the server undid the copy'));
  }

  async close(): Promise<void> {
    await this.#connection.close().catch(() => {});
  }

  #column(table: string, name: string): Column {
    return this.#tables.get(table)?.find((column) => column.name === name) as Column;
  }

  async #run(text: string, values: unknown[] = [], table?: string): Promise<Outcome> {
    try {
      await this.#connection.ready();
      return await this.#connection.run({ text, values });
    } catch (error) {
      if (table === undefined || isDisconnected(error)) throw unusableDatabase(this.#url, error);
      throw unusableDatabase(
        this.#url,
        new DatabaseError(`${table}: ${(error as Error).message}`, { cause: error }),
      );
    }
  }
}
