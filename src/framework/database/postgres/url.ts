/** A PostgreSQL URL of the config, parsed. */
export interface PostgresUrl {
  /** The URL for the driver: without the parameters of this project. */
  readonly connectionString: string;
  /** The schema that contains the tables of the service. */
  readonly schema: string;
  /** Whether statements are prepared by name. PgBouncer before 1.21 cannot do that in transaction mode. */
  readonly isPrepared: boolean;
}

/**
 * Parses `postgres://user:password@host:port/database`. Two parameters belong to this project: `schema`, the name of the
 * service unless it is set, and `prepare=false`. The driver reads the others, for example `sslmode`.
 */
export function parsePostgresUrl(url: string, service: string): PostgresUrl {
  const parsed = new URL(url);
  const { searchParams } = parsed;
  const schema = searchParams.get('schema') ?? service;
  const isPrepared = searchParams.get('prepare') !== 'false';
  searchParams.delete('schema');
  searchParams.delete('prepare');
  return { connectionString: parsed.href, schema, isPrepared };
}
