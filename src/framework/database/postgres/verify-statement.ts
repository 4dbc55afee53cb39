import type { Connection } from './connection.ts';

/** @throws if PostgreSQL cannot run a statement. The error names the cause and the statement. */
export async function verifyStatement(connection: Connection, text: string): Promise<void> {
  try {
    await connection.run({ text: `PREPARE __verify AS ${text}` });
  } catch (error) {
    throw new Error(`PostgreSQL cannot run this query: ${(error as Error).message}: ${text}`, {
      cause: error,
    });
  }
  await connection.run({ text: 'DEALLOCATE __verify' });
}
