/** Bare Fastify with pg.Pool: no log, response schemas, one database, statements prepared by name. */
import fastify from 'fastify';
import pg from 'pg';
import { groupUsers, names, type PetCreate, pets, type UserRow } from './join.ts';
import { byId, pet, petCreate, user, userCreate } from './shapes.ts';

const { PORT, DATABASE } = process.env;
// As numbers; the driver gives text, because they could be larger than a number can be.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
const pool = new pg.Pool({ connectionString: DATABASE });
const columns = names.map((name) => `p.${name}`).join(', ');
const app = fastify();

app.get('/health', async () => ({ status: 'OK' }));

app.get<{ Params: { id: number } }>(
  '/pet/pets/:id',
  { schema: { params: byId, response: { 200: pet } } },
  async (request, reply) => {
    const text = `SELECT ${columns} FROM pet p WHERE p.id = $1`;
    const { rows } = await pool.query({ name: 'pet', text, values: [request.params.id] });
    return rows[0] ?? reply.code(404).send({});
  },
);

app.get<{ Params: { id: number } }>(
  '/user/users/:id',
  { schema: { params: byId, response: { 200: user } } },
  async (request, reply) => {
    const text = `SELECT u.id, u.name, ${columns} FROM "user" u ${pets} WHERE u.id = $1 ORDER BY a.id`;
    const values = [request.params.id];
    const { rows } = await pool.query<UserRow>({ name: 'user', text, values, rowMode: 'array' });
    return groupUsers(rows)[0] ?? reply.code(404).send({});
  },
);

app.post<{ Body: PetCreate }>(
  '/pet/pets/',
  { schema: { body: petCreate, response: { 200: pet } } },
  async ({ body: { name, species, age = null, mood = 'happy' } }) => {
    const now = new Date().toISOString();
    const text = `INSERT INTO pet (name, species, age, mood, last_fed, last_interaction)
      VALUES ($1, $2, $3, $4, $5, $5) RETURNING id`;
    const { rows } = await pool.query({ name: 'create', text, values: [name, species, age, mood, now] });
    return { name, species, age, mood, id: rows[0].id, last_fed: now, last_interaction: now };
  },
);

app.post<{ Body: { name: string } }>(
  '/user/users/',
  { schema: { body: userCreate, response: { 200: user } } },
  async ({ body: { name } }) => {
    const text = 'INSERT INTO "user" (name) VALUES ($1) RETURNING id';
    const { rows } = await pool.query({ name: 'create user', text, values: [name] });
    return { id: rows[0].id, name, pets: [] };
  },
);

await app.listen({ port: Number(PORT) });
