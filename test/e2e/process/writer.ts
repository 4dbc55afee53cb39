/**
 * A process that writes, for tests that observe or disturb it: `node writer.ts HOW FILE [FILLER COPY]`. It prints a line
 * after each event. Output is synchronous, so a line appears before the next event.
 */
import { once } from 'node:events';
import { cpSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import Client from 'better-sqlite3';
import { sql } from '../../../src/framework/database/drizzle.ts';
import { openSqlite } from '../../../src/framework/database/sqlite/open.ts';
import { toClientProblem } from '../../../src/framework/errors/error-handler.ts';
import { readSql, runSql } from '../../support/sql.ts';

const [how, file, filler, copy] = process.argv.slice(2) as [string, string, string, string];
const print = (line: string) => void writeSync(1, `${line}\n`);

/** Lists the notes in a file through a second connection. */
function list(path: string): string[] {
  const client = new Client(path);
  try {
    return client.prepare('SELECT substr(text, 1, 9) FROM note ORDER BY id').pluck().all() as string[];
  } finally {
    client.close();
  }
}

const database = openSqlite(file);
await runSql(database, sql`CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT)`);
const insert = database.prepare(sql`INSERT INTO note (text) VALUES (${sql.placeholder('text')})`);
print('open');
let count = 0;
/** Writes several notes in one event-loop turn. Resolves with the status of the response for each. */
async function write(size: number, length = 0): Promise<{ note: string; status: number }[]> {
  const writes = Array.from({ length: size }, async () => {
    const note = `note ${String(count++).padStart(4, '0')}`;
    const text = note.padEnd(length, '.');
    try {
      await insert.run({ text });
      if (length === 0) print(`acknowledged ${note}`);
      return { note, status: 200 };
    } catch (error) {
      return { note, status: toClientProblem(error, '').status };
    }
  });
  return Promise.all(writes);
}

if (how === 'one by one') for (let index = 0; index < 50; index += 1) await write(1);
if (how === 'in one turn') await write(50);
if (how === 'until full') {
  const hasRoom = once(process, 'SIGUSR2');
  const awake = setInterval(() => {}, 1_000);
  if (filler !== '') writeFileSync(filler, Buffer.alloc(300_000));
  const answers: { note: string; status: number }[] = [];
  const failed: number[][] = [];
  // Write groups, then single notes: both must fail on the full disk.
  for (const [size, length] of [
    [5, 20_000],
    [1, 20_000],
  ] as const) {
    for (;;) {
      const group = await write(size, length);
      answers.push(...group);
      const statuses = group.map(({ status }) => status);
      if (statuses.every((status) => status === 200) && answers.length < 200) continue;
      failed.push(statuses);
      break;
    }
  }
  const [[count] = []] = await readSql<[number]>(database, sql`SELECT count(*) FROM note`);
  const rows = [{ count }];
  // The copy is in the state after a kill, so opening it reads the log again.
  for (const end of ['', '-wal']) cpSync(`${file}${end}`, `${copy}${end}`);
  const done = () => answers.filter(({ status }) => status === 200).map(({ note }) => note);
  print(`full: ${JSON.stringify({ failed, done: done(), rows, file: list(file), copy: list(copy) })}`);
  await hasRoom;
  clearInterval(awake);
  if (filler !== '') rmSync(filler);
  for (let index = 0; index < 3; index += 1) answers.push(...(await write(3, 20_000)));
  print(`later: ${JSON.stringify({ done: done(), file: list(file) })}`);
}
await database.close();
