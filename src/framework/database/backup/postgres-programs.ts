import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { compatibility, parsePostgresUrl } from '../postgres/url.ts';
import { BackupError, type PostgresDatabase } from './manifest.ts';

const execute = promisify(execFile);

type Program = 'pg_dump' | 'pg_restore' | 'psql';

/**
 * Runs pg_dump or pg_restore, from PATH. The password goes through the environment, because every user of the machine can
 * read the arguments of a process.
 * @throws {BackupError} with the error that the program printed, or if it is not installed.
 */
export async function runProgram(
  program: Program,
  args: readonly string[],
  database?: PostgresDatabase,
): Promise<void> {
  try {
    if (database === undefined) await execute(program, args);
    else await execute(program, [connectionOf(database), ...args], { env: environmentOf(database) });
  } catch (error) {
    throw explain(program, error as ProgramError, database?.service);
  }
}

/**
 * Restores an archive of pg_dump, and runs further SQL in the same transaction. pg_restore writes the archive as SQL, and
 * psql runs it. If this process is killed, psql reads no COMMIT, and nothing is restored.
 * @throws {BackupError} with the error that a program printed, or if it is not installed.
 */
export async function restoreArchive(path: string, sql: string, database: PostgresDatabase): Promise<void> {
  const args = ['--file=-', '--exit-on-error', '--no-owner', '--no-privileges', path];
  const source = spawn('pg_restore', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const options = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--output=/dev/null'];
  const running = execute('psql', [connectionOf(database), ...options], { env: environmentOf(database) });
  const input = running.child.stdin as Writable;
  // psql has ended, and `restored` has its error.
  input.on('error', () => {});
  const restored = running.catch((error) => {
    source.stdout.destroy();
    source.kill();
    throw explain('psql', error, database.service);
  });
  restored.catch(() => {});
  input.write('BEGIN;\n');
  source.stdout.pipe(input, { end: false });
  const errors = text(source.stderr);
  const [code] = await once(source, 'close').catch(({ code }: ProgramError) => [code]);
  input.end(code === 0 ? `${sql}\nCOMMIT;\n` : '');
  await restored;
  if (code !== 0) throw explain('pg_restore', { code, stderr: await errors }, database.service);
}

interface ProgramError {
  readonly code?: unknown;
  readonly stderr?: string;
}

function explain(program: Program, { code, stderr = '' }: ProgramError, service?: string): BackupError {
  if (code === 'ENOENT') {
    return new BackupError(
      `${program} is not installed. Install the client programs of PostgreSQL (Debian: apt-get install postgresql-client)`,
    );
  }
  const lines = stderr.trim().split('\n');
  // For example "aborting because of server version mismatch", and in the next line the versions.
  const errors = lines.filter((line) => /\b(error|detail): /i.test(line)).slice(0, 2);
  const reason = errors.join('. ') || lines.at(-1);
  return new BackupError(`${service === undefined ? '' : `${service}: `}${reason || `${program} failed`}`);
}

/** The URL without the password. */
function connectionOf(database: PostgresDatabase): string {
  const target = parseTarget(database);
  target.password = '';
  target.searchParams.delete('password');
  target.searchParams.delete(compatibility);
  // The programs do not know this mode of the driver.
  if (target.searchParams.get('sslmode') === 'no-verify') target.searchParams.set('sslmode', 'require');
  // URLSearchParams writes a space as `+`, which the programs do not decode.
  target.search = target.search.replaceAll('+', '%20');
  return `--dbname=${target.href}`;
}

function environmentOf(database: PostgresDatabase): NodeJS.ProcessEnv {
  const { password, searchParams } = parseTarget(database);
  // The driver also prefers the parameter to the password before the host.
  const given = searchParams.get('password') ?? decodeURIComponent(password);
  return given === '' ? database.env : { ...database.env, PGPASSWORD: given };
}

function parseTarget({ url, service }: PostgresDatabase): URL {
  return new URL(parsePostgresUrl(url, service).connectionString);
}
