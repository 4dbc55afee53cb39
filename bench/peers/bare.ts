/**
 * Bare Fastify: no log, response schemas, one database. What the product is measured against most.
 * With JOIN=json SQLite makes the JSON, and the response schema is passed by.
 */
import fastify from 'fastify';
import { openJoin, type PetCreate } from './join.ts';
import { byId, page, pet, petCreate, user } from './shapes.ts';

const { PORT, DATABASE = '', SYNCHRONOUS, JOIN } = process.env;
const database = openJoin(DATABASE, SYNCHRONOUS);
const app = fastify();

app.get('/health', async () => ({ status: 'OK' }));

app.get<{ Params: { id: number } }>(
  '/pet/pets/:id',
  { schema: { params: byId, response: { 200: pet } } },
  async (request, reply) => database.findPet(request.params.id) ?? reply.code(404).send({}),
);

app.post<{ Body: PetCreate }>(
  '/pet/pets/',
  { schema: { body: petCreate, response: { 200: pet } } },
  async (request) => database.createPet(request.body),
);

if (JOIN === 'json') {
  app.get<{ Params: { id: number } }>(
    '/user/users/:id',
    { schema: { params: byId } },
    async (request, reply) =>
      reply.type('application/json; charset=utf-8').send(database.findUserAsJson(request.params.id)),
  );
} else {
  app.get<{ Params: { id: number } }>(
    '/user/users/:id',
    { schema: { params: byId, response: { 200: user } } },
    async (request, reply) => database.findUser(request.params.id) ?? reply.code(404).send({}),
  );
}

app.get<{ Querystring: { limit: number; offset: number } }>(
  '/user/users/',
  { schema: { querystring: page, response: { 200: { type: 'array', items: user } } } },
  async ({ query }) => database.listUsers(query.limit, query.offset),
);

await app.listen({ port: Number(PORT) });
