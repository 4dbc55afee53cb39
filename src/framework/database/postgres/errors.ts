import { hidePassword } from '../../config/database-url.ts';
import { GatewayTimeout, InsufficientStorage, ServiceUnavailable } from '../../errors/problem.ts';
import { DatabaseError } from '../database-error.ts';
import { ConnectError } from './connection.ts';

/** The SQLSTATE of an error of the server, or the code of an error of the network; empty for other errors. */
export function codeOf(error: unknown): string {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** Whether two writes conflict (serialization failure, deadlock, lock timeout): a second attempt can succeed. */
export function isConflict(error: unknown): boolean {
  return /^(40001|40P01|55P03)$/.test(codeOf(error));
}

/** Whether the server or the connection to it failed, so that the outcome of sent statements is unknown. */
export function isDisconnected(error: unknown): boolean {
  const { message = '' } = Object(error) as { message?: string };
  return (
    // Connection exceptions, shutdown, too many connections, network errors of Node; then driver errors without a code.
    /^(08|57P|53300|ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|EHOST|ENETUNREACH|EAI_)/.test(codeOf(error)) ||
    /^(Connection terminated|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed)/.test(
      message,
    )
  );
}

/**
 * Converts an error of the server or the network to the problem that the client gets. Other errors stay as they are.
 * @param isSent whether the statement may have had its effect.
 */
export function toProblem(error: unknown, isSent: boolean): unknown {
  const code = codeOf(error);
  if (isDisconnected(error)) {
    return isSent && !(error instanceof ConnectError)
      ? new GatewayTimeout('The database did not confirm the write: its outcome is unknown', { cause: error })
      : new ServiceUnavailable('The database cannot be reached', { cause: error });
  }
  if (/^53[14]00$/.test(code)) return new InsufficientStorage('The disk is full', { cause: error });
  // Query canceled by statement_timeout, and transactions that the server ended.
  if (isConflict(error) || /^(57014|25P0[234])$/.test(code)) {
    return new ServiceUnavailable('The database is busy', { cause: error });
  }
  // A read-only transaction: the server is a replica.
  if (code === '25006') return new ServiceUnavailable('The database cannot be written', { cause: error });
  return error;
}

/** Converts an error of opening a database to one line for the user. It never contains the password. */
export function unusableDatabase(url: string, error: unknown): DatabaseError {
  return new DatabaseError(`database ${hidePassword(url)}: ${explain(error)}`, { cause: error });
}

function explain(error: unknown): string {
  const code = codeOf(error);
  const { message } = error as Error;
  if (code === '3D000')
    return 'there is no database with this name. Create it (createdb), or fix the name in the config';
  if (code.startsWith('28'))
    return `the server rejects the login (${message}). Fix the user or the password in the config`;
  if (code === '53300')
    return 'the server has no free connection. Raise max_connections, or run fewer replicas';
  if (code === '42501')
    return `${message}. Grant CREATE on the database to this user, or create the schema for it`;
  if (isDisconnected(error))
    return `no server responds there (${code || message}). Start it, or fix the address in the config`;
  return message;
}
