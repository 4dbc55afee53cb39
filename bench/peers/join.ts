import Client from 'better-sqlite3';
import type { Pet, User } from './shapes.ts';

const names = ['name', 'species', 'age', 'mood', 'id', 'last_fed', 'last_interaction'];
const columns = names.map((name) => `p.${name}`).join(', ');
const asJson = names.map((name) => `'${name}', p.${name}`).join(', ');
const pets = 'LEFT JOIN adoption a ON a.user_id = u.id LEFT JOIN pet p ON p.id = a.pet_id';

type Row = [number, string, string, string, number | null, string, number | null, string, string];

/** Queries of one database, each a prepared statement: the optimum for a program without services. */
export function openJoin(file: string, synchronous = 'FULL') {
  const client = new Client(file);
  client.pragma('journal_mode = WAL');
  client.pragma(`synchronous = ${synchronous}`);

  const selectPet = client.prepare<[number], Pet>(`SELECT ${columns} FROM pet p WHERE p.id = ?`);
  // Rows as arrays are a fifth faster here than rows as objects.
  const selectUser = client
    .prepare<[number], Row>(
      `SELECT u.id, u.name, ${columns} FROM user u ${pets} WHERE u.id = ? ORDER BY a.id`,
    )
    .raw();
  const selectUsers = client
    .prepare<[number, number], Row>(
      `SELECT u.id, u.name, ${columns} FROM (SELECT * FROM user ORDER BY id LIMIT ? OFFSET ?) u ${pets}
       ORDER BY u.id, a.id`,
    )
    .raw();
  const selectUserAsJson = client
    .prepare<[number], string>(
      `SELECT json_object('name', u.name, 'id', u.id, 'pets', json((
         SELECT json_group_array(json_object(${asJson}) ORDER BY a.id)
         FROM adoption a JOIN pet p ON p.id = a.pet_id WHERE a.user_id = u.id
       ))) FROM user u WHERE u.id = ?`,
    )
    .pluck();
  // run(), because RETURNING with get() would never checkpoint the write-ahead log.
  const insert = client.prepare(
    'INSERT INTO pet (name, species, age, mood, last_fed, last_interaction) VALUES (?, ?, ?, ?, ?, ?)',
  );

  function createPet({ name, species, age = null, mood = 'happy' }: PetCreate): Pet {
    const now = new Date().toISOString();
    const { lastInsertRowid } = insert.run(name, species, age, mood, now, now);
    return { name, species, age, mood, id: Number(lastInsertRowid), last_fed: now, last_interaction: now };
  }
  const createAll = client.transaction((pets: readonly PetCreate[]) => pets.map(createPet));

  return {
    findPet: (id: number): Pet | undefined => selectPet.get(id),
    findUser: (id: number): User | undefined => group(selectUser.all(id))[0],
    findUserAsJson: (id: number): string | undefined => selectUserAsJson.get(id),
    listUsers: (limit: number, offset: number): User[] => group(selectUsers.all(limit, offset)),
    createPet,
    /** Runs the writes in one transaction. */
    createPets: createAll.immediate,
  };
}

export interface PetCreate {
  name: string;
  species: string;
  age?: number | null;
  mood?: string;
}

function group(rows: readonly Row[]): User[] {
  const users: User[] = [];
  let user: User | undefined;
  for (const [userId, userName, name, species, age, mood, id, last_fed, last_interaction] of rows) {
    if (user?.id !== userId) {
      user = { name: userName, id: userId, pets: [] };
      users.push(user);
    }
    if (id !== null) user.pets.push({ name, species, age, mood, id, last_fed, last_interaction });
  }
  return users;
}
