/**
 * Loaded into the server by `--import`: ends it with SIGKILL in the first request that has an idempotency key. With
 * DIE_AT=commit right after the COMMIT of the request; with DIE_AT=response before the first byte of the response is
 * sent. In the second case it first prints the response.
 */
import { writeSync } from 'node:fs';
import { type IncomingMessage, Server, ServerResponse } from 'node:http';
import Client from 'better-sqlite3';

const at = process.env.DIE_AT;
let hasArrived = false;
const die = () => process.kill(process.pid, 'SIGKILL');

const { emit } = Server.prototype;
Server.prototype.emit = function (this: Server, event: string, ...args: unknown[]) {
  if (event === 'request')
    hasArrived ||= (args[0] as IncomingMessage).headers['idempotency-key'] !== undefined;
  return Reflect.apply(emit, this, [event, ...args]);
} as never;

const { prepare } = Client.prototype;
/** Whether the open transaction stores a key: reads, and the consumers of events, have transactions too. */
let isKeyed = false;
Client.prototype.prepare = function (this: Client.Database, sql: string) {
  const statement = prepare.call(this, sql);
  const isInsert = /^\s*INSERT INTO __idempotency_key/.test(sql);
  if (!isInsert && sql !== 'COMMIT' && !sql.startsWith('BEGIN')) return statement;
  const run = statement.run.bind(statement);
  statement.run = (...values: unknown[]) => {
    const result = Reflect.apply(run, statement, values);
    if (sql !== 'COMMIT') isKeyed = isInsert;
    else if (hasArrived && isKeyed && at === 'commit') die();
    return result;
  };
  return statement;
} as never;

const { end } = ServerResponse.prototype;
ServerResponse.prototype.end = function (this: ServerResponse, ...args: Parameters<typeof end>) {
  if (hasArrived && at === 'response' && this.req.headers['idempotency-key'] !== undefined) {
    writeSync(2, `about to respond: ${args[0]}\n`);
    die();
  }
  return end.apply(this, args);
} as never;
