import { expect } from 'vitest';
import type { components } from '#generated/api.d.ts';
import {
  createProblemChecks,
  idsOf,
  type ProblemChecks,
  type Send,
  upTo,
} from '../../support/route-contract.ts';

type Pet = components['schemas']['pet.Pet'];
export type User = components['schemas']['user.User'];

export const { expectProblem, expectViolations }: ProblemChecks = createProblemChecks('user');

export async function createUser(send: Send, name = 'Alice'): Promise<User> {
  const { status, body } = await send('POST', '/user/users/', { name });
  expect(status).toBe(200);
  return body;
}

/** Creates users one after the other: in an empty database their ids are 1, 2, 3… */
export async function createUsers(send: Send, count: number): Promise<User[]> {
  const users: User[] = [];
  while (users.length < count) users.push(await createUser(send, `User ${users.length + 1}`));
  return users;
}

/** Creates pets, and returns them in the order of their ids. In an empty database the ids are 1, 2, 3… */
export async function createPets(send: Send, count: number): Promise<Pet[]> {
  const pets: Pet[] = [];
  while (pets.length < count) {
    // Each concurrent request opens a connection.
    const batch = upTo(Math.min(50, count - pets.length)).map(async () => {
      const { body } = await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
      return body as Pet;
    });
    pets.push(...(await Promise.all(batch)));
  }
  return pets.toSorted((a, b) => a.id - b.id);
}

/** Creates user 1 with the pets 1 to `count`, in an empty database. */
export async function createOwner(send: Send, count: number): Promise<User> {
  await createPets(send, count);
  const { id } = await createUser(send);
  return setPets(send, id, upTo(count));
}

export async function setPets(send: Send, id: number, pets_ids: readonly number[]): Promise<User> {
  const { status, body } = await send('PATCH', `/user/users/${id}`, { pets_ids });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body;
}

export const readUser = async (send: Send, id: number): Promise<User> =>
  (await send('GET', `/user/users/${id}`)).body;

export const listUsers = async (send: Send, query = ''): Promise<User[]> =>
  (await send('GET', `/user/users/${query}`)).body;

export const adopt = (send: Send, id: number, petId: number) =>
  send('POST', `/user/users/${id}/pets/${petId}`);

export const abandon = (send: Send, id: number, petId: number) =>
  send('DELETE', `/user/users/${id}/pets/${petId}`);

/** Returns the ids of the pets of a user. */
export const petsOf = ({ pets }: User) => idsOf(pets);
