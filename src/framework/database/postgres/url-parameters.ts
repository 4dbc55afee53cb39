import { DatabaseError } from '../database-error.ts';

/** The parameters of this project. */
export const projectParameters = ['schema', 'pool', 'prepare'] as const;

/** The parameters of the driver. */
const ofDriver =
  'ssl uselibpqcompat encoding statement_timeout lock_timeout query_timeout idle_in_transaction_session_timeout';

/** The parameters of PostgreSQL's own programs (libpq 18), which copy the database. */
const ofPrograms = `host hostaddr port dbname user password passfile require_auth channel_binding connect_timeout
  client_encoding options application_name fallback_application_name keepalives keepalives_idle keepalives_interval
  keepalives_count tcp_user_timeout gssencmode krbsrvname gsslib gssdelegation sslmode sslnegotiation sslcompression sslcert
  sslkey sslkeylogfile sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer ssl_min_protocol_version
  ssl_max_protocol_version min_protocol_version max_protocol_version service target_session_attrs load_balance_hosts`;

const known = new Set([...projectParameters, ...`${ofDriver} ${ofPrograms}`.split(/\s+/)]);

/** @throws {DatabaseError} for a parameter that is not known, which the driver would ignore. */
export function assertKnownParameters(parameters: URLSearchParams): void {
  const unknown = [...parameters.keys()].find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new DatabaseError(
    `unknown parameter ?${unknown}=. Expected ${projectParameters.join(', ')}, sslmode, sslrootcert or another parameter of PostgreSQL`,
  );
}
