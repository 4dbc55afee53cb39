/**
 * Bare Fastify: no log, response schemas, one database. Most rows compare the product with it.
 * With JOIN=json, SQLite makes the JSON, without a response schema. With WRITES=together, the writes of two event-loop
 * turns share a transaction, as in the product.
 */
import fastify from 'fastify';
import { openJoin, type PetCreate } from './join.ts';
import { byId, type Pet, page, pet, petCreate, user } from './shapes.ts';

const { PORT, DATABASE = '', SYNCHRONOUS, JOIN, WRITES } = process.env;
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
  WRITES === 'together'
    ? (request) => createTogether(request.body)
    : async (request) => database.createPet(request.body),
);

let waiting: { readonly body: PetCreate; resolve(pet: Pet): void }[] = [];

function createTogether(body: PetCreate): Promise<Pet> {
  return new Promise((resolve) => {
    waiting.push({ body, resolve });
    if (waiting.length === 1) setImmediate(() => setImmediate(commit));
  });
}

function commit(): void {
  const members = waiting;
  waiting = [];
  const created = database.createPets(members.map(({ body }) => body));
  for (const [index, { resolve }] of members.entries()) resolve(created[index] as Pet);
}

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
