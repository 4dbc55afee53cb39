import { Type } from '@sinclair/typebox';
import { inSlices, OkResponse, ok, peerProblems, ref, type ServiceScope } from '#framework';
import type { Adoption } from './adoption.ts';
import { petNotFound, tooManyPets, userNotFound } from './errors.ts';
import type { UserRepository } from './repository.ts';
import { AdoptionId, User, UserCreate, UserId, UserQuery, UserUpdate } from './schemas.ts';

export function addRoutes(app: ServiceScope, users: UserRepository, adoption: Adoption): void {
  const create = { operationId: 'createUser', summary: 'Create a user' };
  app.post(
    '/users/',
    { schema: { ...create, body: ref(UserCreate), response: { 200: ref(User, 'The new user') } } },
    async ({ body }) => {
      const { id, name } = await users.create(body.name);
      return { name, id, pets: [] };
    },
  );

  const list = {
    operationId: 'listUsers',
    summary: 'List users, each with its pets',
    querystring: UserQuery,
  };
  const page = { 200: Type.Array(ref(User), { description: 'Users, in the order of `sort`' }) };
  app.get('/users/', { schema: { ...list, response: page, errors: peerProblems } }, async ({ query }) =>
    inSlices(await users.list(query), { count: ({ pets_ids }) => pets_ids.length, show: adoption.show }),
  );

  const theUser = { params: UserId, response: { 200: ref(User, 'The user') } };
  const read = { operationId: 'readUser', summary: 'Read a user with its current pets' };
  app.get(
    '/users/:user_id',
    { schema: { ...read, ...theUser, errors: [userNotFound, ...peerProblems] } },
    ({ params }) => adoption.find(params.user_id),
  );

  const change = { operationId: 'updateUser', summary: 'Change the given fields of a user, all or none' };
  const changed = {
    ...theUser,
    body: ref(UserUpdate),
    response: { 200: ref(User, 'The user as it is now') },
  };
  const changeErrors = [userNotFound, petNotFound, tooManyPets, ...peerProblems];
  app.patch(
    '/users/:user_id',
    { schema: { ...change, ...changed, errors: changeErrors } },
    ({ params, body }) => adoption.update(params.user_id, body),
  );

  const summary = 'Delete a user and its adoptions; the pets stay';
  const remove = { operationId: 'deleteUser', summary, description: 'Its id is never used again.' };
  app.delete(
    '/users/:user_id',
    { schema: { ...remove, params: UserId, response: { 200: OkResponse }, errors: [userNotFound] } },
    async ({ params }) => ok(await users.remove(params.user_id), userNotFound),
  );

  const oneAdoption = { params: AdoptionId, response: { 200: ref(User, 'The user with its pets') } };
  const adopt = {
    operationId: 'adoptPet',
    summary: 'Adopt a pet; a repeated adoption changes nothing',
    errors: changeErrors,
  };
  app.post('/users/:user_id/pets/:pet_id', { schema: { ...adopt, ...oneAdoption } }, ({ params }) =>
    adoption.adopt(params.user_id, params.pet_id),
  );

  const errors = [userNotFound, petNotFound, ...peerProblems];
  const abandon = { operationId: 'abandonPet', summary: 'End an adoption; the pet stays', errors };
  app.delete('/users/:user_id/pets/:pet_id', { schema: { ...abandon, ...oneAdoption } }, ({ params }) =>
    adoption.abandon(params.user_id, params.pet_id),
  );
}
