/** The pet service: it knows nothing of users. */
import Client from 'better-sqlite3';
import fastify from 'fastify';
import { byId, type Pet, pet } from '../../../shapes.ts';

export function create() {
  const client = new Client(process.env.DATABASE);
  const columns = 'name, species, age, mood, id, last_fed, last_interaction';
  const select = client.prepare<[number], Pet>(`SELECT ${columns} FROM pet WHERE id = ?`);
  const app = fastify();

  app.get<{ Params: { id: number } }>(
    '/pet/pets/:id',
    { schema: { params: byId, response: { 200: pet } } },
    async (request, reply) => select.get(request.params.id) ?? reply.code(404).send({}),
  );

  // One statement per id is faster in SQLite than one for all ids.
  app.get<{ Querystring: { ids: string } }>(
    '/pet/pets/',
    { schema: { response: { 200: { type: 'array', items: pet } } } },
    async ({ query }) => query.ids.split(',').flatMap((id) => select.get(Number(id)) ?? []),
  );
  return app;
}
