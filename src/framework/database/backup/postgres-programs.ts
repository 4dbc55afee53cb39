import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compatibility, parsePostgresUrl } from '../postgres/url.ts';
import { BackupError, type ServerDatabase } from './manifest.ts';

const execute = promisify(execFile);

/**
 * Runs pg_dump or pg_restore, from PATH. The password goes through the environment, because every user of the machine can
 * read the arguments of a process.
 * @throws {BackupError} with the error that the program printed, or if it is not installed.
 */
export async function runProgram(
  program: 'pg_dump' | 'pg_restore',
  args: readonly string[],
  database?: ServerDatabase,
): Promise<void> {
  try {
    if (database === undefined) await execute(program, args);
    else await execute(program, [connectionOf(database), ...args], { env: environmentOf(database) });
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') {
      throw new BackupError(
        `${program} is not installed. Install the client programs of PostgreSQL (Debian: apt-get install postgresql-client)`,
      );
    }
    const lines = stderr.trim().split('\n');
    // For example "aborting because of server version mismatch", and in the next line the versions.
    const errors = lines.filter((line) => /\b(error|detail): /.test(line)).slice(0, 2);
    const reason = errors.join('. ') || lines.at(-1);
    const service = database === undefined ? '' : `${database.service}: `;
    throw new BackupError(`${service}${reason || `${program} failed`}`);
  }
}

/** The URL without the password. */
function connectionOf(database: ServerDatabase): string {
  const target = parseTarget(database);
  target.password = '';
  target.searchParams.delete('password');
  target.searchParams.delete(compatibility);
  // The programs do not know this mode of the driver.
  if (target.searchParams.get('sslmode') === 'no-verify') target.searchParams.set('sslmode', 'require');
  return `--dbname=${target.href}`;
}

function environmentOf(database: ServerDatabase): NodeJS.ProcessEnv {
  const { password, searchParams } = parseTarget(database);
  // The driver also prefers the parameter to the password before the host.
  const given = searchParams.get('password') ?? decodeURIComponent(password);
  return given === '' ? database.env : { ...database.env, PGPASSWORD: given };
}

function parseTarget({ url, service }: ServerDatabase): URL {
  return new URL(parsePostgresUrl(url, service).connectionString);
}
