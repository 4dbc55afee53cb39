/**
 * Loaded into a server by `--import`: ends it with SIGKILL right before or right after one of its commits on SQLite.
 * DIE_AT is like `before 3`. The commits of the start count too.
 */
import Client from 'better-sqlite3';

const [side, number] = (process.env.DIE_AT as string).split(' ');
let commits = 0;
const dieAt = (now: string) => {
  if (now === side && commits === Number(number)) process.kill(process.pid, 'SIGKILL');
};

const { prepare } = Client.prototype;
Client.prototype.prepare = function (this: Client.Database, sql: string) {
  const statement = prepare.call(this, sql);
  if (sql !== 'COMMIT') return statement;
  const run = statement.run.bind(statement);
  statement.run = (...values: unknown[]) => {
    commits += 1;
    dieAt('before');
    const result = Reflect.apply(run, statement, values);
    dieAt('after');
    return result;
  };
  return statement;
} as never;
