import { Type } from '@sinclair/typebox';
import { found, OkResponse, ok, ref, type ServiceScope } from '#framework';
import { petNotFound } from './errors.ts';
import type { PetRepository } from './repository.ts';
import { Pet, PetCreate, PetId, PetQuery, PetUpdate } from './schemas.ts';

export function addRoutes(app: ServiceScope, pets: PetRepository): void {
  const created = { 200: ref(Pet, 'The new pet') };
  app.post(
    '/pets/',
    {
      schema: { operationId: 'createPet', summary: 'Create a pet', body: ref(PetCreate), response: created },
    },
    ({ body }) => pets.create(body),
  );

  const summary = 'List pets: a page of all pets, or the pets with the given ids';
  const list = { 200: Type.Array(ref(Pet), { description: 'Pets, in the order of `sort`' }) };
  app.get(
    '/pets/',
    { schema: { operationId: 'listPets', summary, querystring: PetQuery, response: list } },
    ({ query }) => pets.list(query),
  );

  const onePet = {
    params: PetId,
    response: { 200: ref(Pet, 'The pet as it is now') },
    errors: [petNotFound],
  };
  const thePet = { ...onePet, response: { 200: ref(Pet, 'The pet') } };
  app.get(
    '/pets/:pet_id',
    { schema: { operationId: 'readPet', summary: 'Read a pet', ...thePet } },
    async ({ params }) => found(await pets.find(params.pet_id), petNotFound),
  );

  const change = {
    operationId: 'updatePet',
    summary: 'Change the given fields of a pet',
    body: ref(PetUpdate),
  };
  app.patch('/pets/:pet_id', { schema: { ...onePet, ...change } }, async ({ params, body }) =>
    found(await pets.update(params.pet_id, body), petNotFound),
  );

  const description = 'Its id is never used again.';
  const remove = { operationId: 'deletePet', summary: 'Delete a pet', description };
  app.delete(
    '/pets/:pet_id',
    { schema: { ...remove, ...onePet, response: { 200: OkResponse } } },
    async ({ params }) => ok(await pets.remove(params.pet_id), petNotFound),
  );

  const care = {
    hydrate: 'Give a pet water',
    feed: 'Give a pet food',
    treat: 'Give a pet a treat, which excites it',
  };
  for (const verb of ['hydrate', 'feed', 'treat'] as const) {
    app.post(
      `/pets/:pet_id/${verb}`,
      { schema: { operationId: `${verb}Pet`, summary: care[verb], ...onePet } },
      async ({ params }) => found(await pets[verb](params.pet_id), petNotFound),
    );
  }
}
