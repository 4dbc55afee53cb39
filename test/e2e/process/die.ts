/**
 * Loaded into the server by `--import`: ends it by SIGKILL in the first request that has an idempotency key. With DIE_AT
 * `commit` as soon as a COMMIT has been done for it; with `answer` when it is about to be answered, before a byte of that
 * has left. Then it says first what it would have answered.
 */
import { writeSync } from 'node:fs';
import { type IncomingMessage, Server, ServerResponse } from 'node:http';
import Client from 'better-sqlite3';

const at = process.env.DIE_AT;
let hasCome = false;
const die = () => process.kill(process.pid, 'SIGKILL');

const { emit } = Server.prototype;
Server.prototype.emit = function (this: Server, event: string, ...args: unknown[]) {
  if (event === 'request') hasCome ||= (args[0] as IncomingMessage).headers['idempotency-key'] !== undefined;
  return Reflect.apply(emit, this, [event, ...args]);
} as never;

const { prepare } = Client.prototype;
/** Whether the open transaction is that of writes: reads share transactions too. */
let isWrite = false;
Client.prototype.prepare = function (this: Client.Database, sql: string) {
  const statement = prepare.call(this, sql);
  if (sql !== 'COMMIT' && !sql.startsWith('BEGIN')) return statement;
  const run = statement.run.bind(statement);
  statement.run = (...values: unknown[]) => {
    const result = Reflect.apply(run, statement, values);
    if (sql !== 'COMMIT') isWrite = sql === 'BEGIN IMMEDIATE';
    else if (hasCome && isWrite && at === 'commit') die();
    return result;
  };
  return statement;
} as never;

const { end } = ServerResponse.prototype;
ServerResponse.prototype.end = function (this: ServerResponse, ...args: Parameters<typeof end>) {
  if (hasCome && at === 'answer' && this.req.headers['idempotency-key'] !== undefined) {
    writeSync(2, `about to answer: ${args[0]}\n`);
    die();
  }
  return end.apply(this, args);
} as never;
