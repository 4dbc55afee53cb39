import { Type } from '@sinclair/typebox';
import { NotFound, OkResponse, problems, ref, type ServiceScope } from '#framework';
import type { PetRepository } from './repository.ts';
import { Pet, PetCreate, PetId, PetQuery, PetUpdate } from './schemas.ts';

const tags = ['pets'];

export function addRoutes(scope: ServiceScope, pets: PetRepository): void {
  scope.post(
    '/pets/',
    {
      schema: {
        operationId: 'createPet',
        tags,
        summary: 'Create a pet',
        body: ref(PetCreate),
        response: { 200: ref(Pet, 'The new pet'), ...problems(400, 413, 415, 422) },
      },
    },
    (request) => pets.create(request.body),
  );

  scope.get(
    '/pets/',
    {
      schema: {
        operationId: 'listPets',
        tags,
        summary: 'List pets, all of them by pages or some by their ids',
        querystring: PetQuery,
        response: { 200: Type.Array(ref(Pet), { description: 'Pets, in id order' }), ...problems(422) },
      },
    },
    (request) => pets.list(request.query),
  );

  scope.get(
    '/pets/:pet_id',
    {
      schema: {
        operationId: 'readPet',
        tags,
        summary: 'Read a pet',
        params: PetId,
        response: { 200: ref(Pet, 'The pet'), ...problems(404, 422) },
      },
    },
    async (request) => found(await pets.find(request.params.pet_id)),
  );

  scope.patch(
    '/pets/:pet_id',
    {
      schema: {
        operationId: 'updatePet',
        tags,
        summary: 'Change what is given of a pet',
        params: PetId,
        body: ref(PetUpdate),
        response: { 200: ref(Pet, 'The pet as it is now'), ...problems(400, 404, 413, 415, 422) },
      },
    },
    async (request) => found(await pets.update(request.params.pet_id, request.body)),
  );

  scope.delete(
    '/pets/:pet_id',
    {
      schema: {
        operationId: 'deletePet',
        tags,
        summary: 'Delete a pet',
        description: 'Its id is never used again.',
        params: PetId,
        response: { 200: OkResponse, ...problems(404, 422) },
      },
    },
    async (request) => {
      if (!(await pets.remove(request.params.pet_id))) throw petNotFound();
      return { ok: true as const };
    },
  );

  const care = [
    { verb: 'hydrate', summary: 'Give a pet water' },
    { verb: 'feed', summary: 'Give a pet food' },
    { verb: 'treat', summary: 'Give a pet a treat, which excites it' },
  ] as const;
  for (const { verb, summary } of care) {
    scope.post(
      `/pets/:pet_id/${verb}`,
      {
        schema: {
          operationId: `${verb}Pet`,
          tags,
          summary,
          params: PetId,
          response: { 200: ref(Pet, 'The pet as it is now'), ...problems(404, 422) },
        },
      },
      async (request) => found(await pets[verb](request.params.pet_id)),
    );
  }
}

function found(pet: Pet | undefined): Pet {
  if (pet === undefined) throw petNotFound();
  return pet;
}

function petNotFound(): NotFound {
  return new NotFound('Pet not found', 'urn:problem-type:pet-not-found');
}
