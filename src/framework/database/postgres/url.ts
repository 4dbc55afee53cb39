import { DatabaseError } from '../database-error.ts';
import { assertKnownParameters, projectParameters } from './url-parameters.ts';

/** A PostgreSQL URL of the config, parsed. */
export interface PostgresUrl {
  /** The URL for the driver: without the parameters of this project. */
  readonly connectionString: string;
  /** The schema that contains the tables of the service. */
  readonly schema: string;
  /** The maximum number of connections of one service and process. */
  readonly pool: number;
  /** Whether statements are prepared by name. PgBouncer before 1.21 cannot do that in transaction mode. */
  readonly isPrepared: boolean;
}

/** The parameter of the driver for the meaning of `sslmode`. The programs of PostgreSQL reject it. */
export const compatibility = 'uselibpqcompat';

const defaultPool = 7;
/** One connection for reads, one for writes and one for groups of single statements. */
const minPool = 3;
const maxPool = 100;
/** The names of schemas that need no escape in the options of a connection. */
const schemaForm = /^[A-Za-z_][\w-]{0,62}$/;

/** The SSL modes of PostgreSQL that the driver can offer, and its own `no-verify`, which is `require` of PostgreSQL. */
const sslModes = /^(disable|require|verify-ca|verify-full|no-verify)$/;

/**
 * Parses `postgres://user:password@host:port/database`. Three parameters belong to this project: `schema`, the name of the
 * service unless it is set, `pool`, and `prepare=false`. The driver reads the others, for example `sslmode`.
 * @throws {DatabaseError} if the URL, a name of a parameter, or the value of `pool`, `schema` or `sslmode` is not valid.
 */
export function parsePostgresUrl(url: string, service: string): PostgresUrl {
  if (!URL.canParse(url) || !/^\/[^/]+$/.test(new URL(url).pathname)) {
    throw new DatabaseError(
      'expected postgres://user:password@host:port/database, with special characters of the password encoded',
    );
  }
  const parsed = new URL(url);
  const { searchParams } = parsed;
  assertKnownParameters(searchParams);
  const schema = searchParams.get('schema') ?? service;
  if (!schemaForm.test(schema)) {
    throw new DatabaseError('expected ?schema= to be a name of letters, digits, "_" and "-"');
  }
  const pool = Number(searchParams.get('pool') ?? defaultPool);
  if (!Number.isInteger(pool) || pool < minPool || pool > maxPool) {
    throw new DatabaseError(`expected ?pool= to be an integer from ${minPool} to ${maxPool}`);
  }
  setSslMode(searchParams);
  const isPrepared = searchParams.get('prepare') !== 'false';
  for (const name of projectParameters) searchParams.delete(name);
  return { connectionString: parsed.href, schema, pool, isPrepared };
}

/**
 * Gives `sslmode` the meaning that it has in PostgreSQL's own programs. The driver would verify certificate and name in
 * every mode until version 9. An unknown mode is an error, because the user expects TLS.
 */
function setSslMode(parameters: URLSearchParams): void {
  const mode = parameters.get('sslmode');
  if (mode === null) return;
  if (!sslModes.test(mode)) {
    throw new DatabaseError('expected ?sslmode= to be disable, require, verify-ca, verify-full or no-verify');
  }
  if (mode === 'verify-ca' && !parameters.has('sslrootcert')) {
    throw new DatabaseError('expected ?sslrootcert= with ?sslmode=verify-ca');
  }
  // The driver does not know `no-verify` together with this parameter.
  if (mode !== 'no-verify') parameters.set(compatibility, 'true');
}

/** The name of a schema in the list of known databases: without the user and the parameters of its URL. */
export function knownName({
  connectionString,
  schema,
}: Pick<PostgresUrl, 'connectionString' | 'schema'>): string {
  const { host, pathname } = new URL(connectionString);
  return `postgres://${host}${pathname} ${schema}`;
}
