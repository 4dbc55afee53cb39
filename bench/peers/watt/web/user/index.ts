/** The user service. It stores the ids of pets, and gets the pets from the pet service in one call over the mesh. */
import Client from 'better-sqlite3';
import fastify from 'fastify';
import { byId, type Pet, page, type User, user } from '../../../shapes.ts';

type UserRow = Pick<User, 'name' | 'id'>;

export function create() {
  const client = new Client(process.env.DATABASE);
  const select = client.prepare<[number], UserRow>('SELECT name, id FROM user WHERE id = ?');
  const selectPage = client.prepare<[number, number], UserRow>(
    'SELECT name, id FROM user ORDER BY id LIMIT ? OFFSET ?',
  );
  const selectPetIds = client
    .prepare<[number], number>('SELECT pet_id FROM adoption WHERE user_id = ? ORDER BY id')
    .pluck();
  const app = fastify();

  async function withPets(rows: readonly UserRow[]): Promise<User[]> {
    const petIds = new Map(rows.map(({ id }) => [id, selectPetIds.all(id)]));
    const ids = [...new Set([...petIds.values()].flat())];
    if (ids.length === 0) return rows.map((row) => ({ ...row, pets: [] }));
    const response = await fetch(`http://pet.plt.local/pet/pets/?ids=${ids.join()}`);
    const pets = new Map(((await response.json()) as Pet[]).map((pet) => [pet.id, pet]));
    return rows.map((row) => ({
      ...row,
      pets: petIds.get(row.id)?.flatMap((id) => pets.get(id) ?? []) ?? [],
    }));
  }

  app.get<{ Params: { id: number } }>(
    '/user/users/:id',
    { schema: { params: byId, response: { 200: user } } },
    async (request, reply) => {
      const row = select.get(request.params.id);
      if (row === undefined) return reply.code(404).send({});
      return (await withPets([row]))[0];
    },
  );

  app.get<{ Querystring: { limit: number; offset: number } }>(
    '/user/users/',
    { schema: { querystring: page, response: { 200: { type: 'array', items: user } } } },
    async ({ query }) => withPets(selectPage.all(query.limit, query.offset)),
  );
  return app;
}
