import { Type } from '@sinclair/typebox';
import { OkResponse, openJsonList, Page, problems, ref, type ServiceScope } from '#framework';
import { type Adoption, userNotFound } from './adoption.ts';
import type { UserRepository } from './repository.ts';
import { AdoptionId, User, UserCreate, UserId, UserUpdate } from './schemas.ts';

const tags = ['users'];

export function addRoutes(scope: ServiceScope, users: UserRepository, adoption: Adoption): void {
  scope.post(
    '/users/',
    {
      schema: {
        operationId: 'createUser',
        tags,
        summary: 'Create a user',
        body: ref(UserCreate),
        response: { 200: ref(User, 'The new user'), ...problems(400, 413, 415, 422) },
      },
    },
    async (request) => {
      const { id, name } = await users.create(request.body.name);
      return { name, id, pets: [] };
    },
  );

  scope.get(
    '/users/',
    {
      schema: {
        operationId: 'listUsers',
        tags,
        summary: 'List users, each with its pets',
        querystring: Page,
        response: {
          200: Type.Array(ref(User), { description: 'Users, in id order' }),
          ...problems(422, 503, 504),
        },
      },
    },
    async (request, reply) => {
      const list = openJsonList<User>(reply);
      await adoption.list(request.query, list.add);
      return list.send();
    },
  );

  scope.get(
    '/users/:user_id',
    {
      schema: {
        operationId: 'readUser',
        tags,
        summary: 'Read a user with its pets, as they are now',
        params: UserId,
        response: { 200: ref(User, 'The user'), ...problems(404, 422, 503, 504) },
      },
    },
    (request) => adoption.find(request.params.user_id),
  );

  scope.patch(
    '/users/:user_id',
    {
      schema: {
        operationId: 'updateUser',
        tags,
        summary: 'Change what is given of a user: all of it or nothing',
        params: UserId,
        body: ref(UserUpdate),
        response: {
          200: ref(User, 'The user as it is now'),
          ...problems(400, 404, 409, 413, 415, 422, 503, 504),
        },
      },
    },
    (request) => adoption.update(request.params.user_id, request.body),
  );

  scope.delete(
    '/users/:user_id',
    {
      schema: {
        operationId: 'deleteUser',
        tags,
        summary: 'Delete a user and its adoptions; the pets stay',
        description: 'Its id is never used again.',
        params: UserId,
        response: { 200: OkResponse, ...problems(404, 422) },
      },
    },
    async (request) => {
      if (!(await users.remove(request.params.user_id))) throw userNotFound();
      return { ok: true as const };
    },
  );

  scope.post(
    '/users/:user_id/pets/:pet_id',
    {
      schema: {
        operationId: 'adoptPet',
        tags,
        summary: 'Adopt a pet; twice is once',
        params: AdoptionId,
        response: { 200: ref(User, 'The user with its pets'), ...problems(404, 409, 422, 503, 504) },
      },
    },
    (request) => adoption.adopt(request.params.user_id, request.params.pet_id),
  );

  scope.delete(
    '/users/:user_id/pets/:pet_id',
    {
      schema: {
        operationId: 'abandonPet',
        tags,
        summary: 'End an adoption; the pet stays',
        params: AdoptionId,
        response: { 200: ref(User, 'The user with its pets'), ...problems(404, 422, 503, 504) },
      },
    },
    (request) => adoption.abandon(request.params.user_id, request.params.pet_id),
  );
}
