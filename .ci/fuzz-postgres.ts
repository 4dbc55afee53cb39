/** Runs the fuzzer with the services in a separate PostgreSQL server: node .ci/fuzz-postgres.ts [--requests N …]. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { findDebianPostgres, startPostgres } from '../test/support/postgres-server.ts';

const server = await startPostgres({ bin: findDebianPostgres() });
const fuzz = fileURLToPath(new URL('../tools/fuzz/run.ts', import.meta.url));
const args = [fuzz, '--database', server.url, ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
const client = new pg.Client({ connectionString: server.url });
await client.connect();
const { rowCount } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'fuzz%'");
await client.end();
await server.stop();
if (rowCount !== 0) throw new Error('the fuzzer leaves schemas in the database');
process.exitCode = status ?? 1;
