import { unusableQuery } from '../statement.ts';
import type { Connection } from './connection.ts';
import { isDisconnected } from './errors.ts';

/**
 * Checks that the server can run each statement.
 * @throws {DatabaseError} that names the first statement that the server cannot run.
 */
export async function verifyStatements(
  connection: Connection,
  texts: Iterable<string>,
  service: string | undefined,
): Promise<void> {
  for (const text of texts) {
    // Use a transaction, because PgBouncer may send statements outside of a transaction to different server
    // connections.
    await connection.run({ text: 'BEGIN' });
    try {
      await connection.run({ text: `PREPARE __verify AS ${text}` });
      await connection.run({ text: 'DEALLOCATE __verify' });
    } catch (error) {
      throw isDisconnected(error) ? error : unusableQuery('PostgreSQL', service, text, error);
    } finally {
      await connection.run({ text: 'ROLLBACK' }).catch(() => {});
    }
  }
}
