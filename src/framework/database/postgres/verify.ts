import { unusableQuery } from '../statement.ts';
import type { Connection } from './connection.ts';
import { isDisconnected } from './errors.ts';

/**
 * Checks that the server can run each statement.
 * @throws {DatabaseError} with the first one that it cannot run.
 */
export async function verifyStatements(
  connection: Connection,
  texts: Iterable<string>,
  service: string | undefined,
): Promise<void> {
  for (const text of texts) {
    // In a transaction: behind PgBouncer, two statements outside of one may reach different servers.
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
