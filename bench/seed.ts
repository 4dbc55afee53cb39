/** Creates databases with equal content: two for the product, and one for the peers. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Client from 'better-sqlite3';
import { random } from './random.ts';

export interface Shape {
  readonly pets: number;
  /** How many pets each user has, by the user's id from 1. */
  readonly adoptions: readonly number[];
  /** No two users have the same pet. */
  readonly isDisjoint?: boolean;
}

export interface Data {
  readonly folder: string;
  /** The files of the product (`pet`, `user`) and of the peers (`one`). */
  readonly pet: string;
  readonly user: string;
  readonly one: string;
}

export const root = fileURLToPath(new URL('..', import.meta.url));
// Not the temporary folder of the system, which may be in memory, where a flush costs nothing.
const folder = fileURLToPath(new URL('data/', import.meta.url));

/** The tables of the peers. The product stores times as microseconds since 1970. */
const tablesOfOne = `
  CREATE TABLE pet (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, species TEXT NOT NULL, age INTEGER,
    mood TEXT NOT NULL, last_fed TEXT NOT NULL, last_interaction TEXT NOT NULL
  );
  CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
  CREATE TABLE adoption (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    pet_id INTEGER NOT NULL REFERENCES pet (id),
    UNIQUE (user_id, pet_id)
  );`;

/** Creates new databases. */
export function seed(name: string, shape: Shape): Data {
  const target = join(folder, name);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const file = (stem: string) => join(target, `${stem}.db`);
  const data = { folder: target, pet: file('pet'), user: file('user'), one: file('one') };

  const config = join(target, 'seed.yaml');
  const services = { pet: { database: `sqlite:${data.pet}` }, user: { database: `sqlite:${data.user}` } };
  writeFileSync(
    config,
    JSON.stringify({ services, apps: { gateway: { port: 0, services: ['pet', 'user'] } } }),
  );
  execFileSync(process.execPath, ['scripts/migrate.ts', 'apply', '--config', config], { cwd: root });

  fill(data.pet, (client) => addPets(client, shape, (micros) => micros));
  fill(data.user, (client) => addUsers(client, shape));
  fill(data.one, (client) => {
    client.exec(tablesOfOne);
    addPets(client, shape, isoOf);
    addUsers(client, shape);
  });
  return data;
}

function fill(file: string, add: (client: Client.Database) => void): void {
  const client = new Client(file);
  client.pragma('journal_mode = WAL');
  client.transaction(() => add(client))();
  client.pragma('wal_checkpoint(TRUNCATE)');
  client.close();
}

function addPets(client: Client.Database, { pets }: Shape, time: (micros: number) => number | string): void {
  const insert = client.prepare('INSERT INTO pet VALUES (?, ?, ?, ?, ?, ?, ?)');
  const next = random(1);
  const species = ['dog', 'cat', 'hamster', 'parrot'];
  for (let id = 1; id <= pets; id++) {
    const fed = 1_734_555_831_000_000 + next(86_400_000_000);
    const age = id % 10 === 0 ? null : id % 20;
    insert.run(id, `Pet ${id}`, species[id % 4], age, 'happy', time(fed), time(fed + next(3_600_000_000)));
  }
}

function addUsers(client: Client.Database, { pets, adoptions, isDisjoint = false }: Shape): void {
  const user = client.prepare('INSERT INTO user VALUES (?, ?)');
  const adoption = client.prepare('INSERT OR IGNORE INTO adoption (user_id, pet_id) VALUES (?, ?)');
  const next = random(2);
  let last = 0;
  for (const [index, count] of adoptions.entries()) {
    user.run(index + 1, `User ${index + 1}`);
    for (let left = count; left > 0; ) {
      // If the user already has the pet, another one is drawn.
      left -= adoption.run(index + 1, isDisjoint ? ++last : 1 + next(pets)).changes;
    }
  }
}

function isoOf(micros: number): string {
  const rest = String(micros % 1000).padStart(3, '0');
  return `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1)}${rest}Z`;
}

/** Creates databases, or reuses those of an earlier row that only reads. */
export function seedOnce(name: string, shape: Shape): Data {
  const data = made.get(name) ?? seed(name, shape);
  made.set(name, data);
  return data;
}

const made = new Map<string, Data>();

export function removeData(): void {
  rmSync(folder, { recursive: true, force: true });
}
