import { expect } from 'vitest';
import type { components } from '#generated/api.d.ts';
import { createProblemChecks, type ProblemChecks, type Send } from '../../support/route-contract.ts';

export type Pet = components['schemas']['pet.Pet'];

export const rex = { name: 'Rex', species: 'dog' };
export const actions = ['hydrate', 'feed', 'treat'] as const;

export const { expectProblem, expectViolations }: ProblemChecks = createProblemChecks('pet');

export async function createPet(send: Send, given: object = {}): Promise<Pet> {
  const { status, body } = await send('POST', '/pet/pets/', { ...rex, ...given });
  expect(status).toBe(200);
  return body;
}

/** Creates pets one after the other: in an empty database their ids are 1, 2, 3… */
export async function createPets(send: Send, count: number): Promise<Pet[]> {
  const pets: Pet[] = [];
  while (pets.length < count) pets.push(await createPet(send, { name: `Pet ${pets.length + 1}` }));
  return pets;
}

export const readPet = async (send: Send, id: number): Promise<Pet> =>
  (await send('GET', `/pet/pets/${id}`)).body;

export const listPets = async (send: Send, query = ''): Promise<Pet[]> =>
  (await send('GET', `/pet/pets/${query}`)).body;

/** Converts the time of a pet to microseconds since 1970. */
export const toMicroseconds = (time: string) =>
  Date.parse(`${time.slice(0, 23)}Z`) * 1_000 + Number(time.slice(23, 26));
