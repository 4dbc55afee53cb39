import { Conflict, NotFound } from '#common/problem.ts';
import type { Page } from '#common/schema.ts';
import type { PetClient } from './pet-client.ts';
import type { UserRecord, UserRepository } from './repository.ts';
import { maxAdoptions, type User, type UserUpdate } from './schemas.ts';

export type Adoption = ReturnType<typeof createAdoption>;

type Pets = Awaited<ReturnType<PetClient['find']>>;

/**
 * Where users and pets meet. Each use case asks the pet service first, once, and writes last, so that where it
 * cannot be asked nothing has changed. A pet that is gone is not shown; that it was adopted stays on record, as
 * the pet service may be wrong for a while and ids are never used again.
 */
export function createAdoption(users: UserRepository, pets: PetClient) {
  async function findUser(id: number): Promise<UserRecord> {
    return found(await users.find(id));
  }

  return {
    async list(page: Page): Promise<User[]> {
      const records = await users.list(page);
      const shown = await pets.find(records.flatMap(({ pets_ids }) => pets_ids));
      return records.map((record) => show(record, shown));
    },

    async find(id: number): Promise<User> {
      const record = await findUser(id);
      return show(record, await pets.find(record.pets_ids));
    },

    async update(id: number, { name, pets_ids }: UserUpdate): Promise<User> {
      const record = await findUser(id);
      const petIds = pets_ids === undefined ? undefined : [...new Set(pets_ids)];
      if (petIds !== undefined && petIds.length > maxAdoptions) throw tooManyPets();
      const shown = await pets.find(petIds ?? record.pets_ids);
      if (petIds?.some((petId) => !shown.has(petId))) throw petNotFound();
      const change = { ...(name !== undefined && { name }), ...(petIds !== undefined && { petIds }) };
      return show(found(await users.update(id, change)), shown);
    },

    async adopt(id: number, petId: number): Promise<User> {
      const record = await findUser(id);
      const isNew = !record.pets_ids.includes(petId);
      const pets_ids = isNew ? [...record.pets_ids, petId] : record.pets_ids;
      const shown = await pets.find(pets_ids);
      if (!shown.has(petId)) throw petNotFound();
      if (isNew && !(await users.addAdoption(id, petId))) {
        const now = await findUser(id);
        if (!now.pets_ids.includes(petId)) throw tooManyPets();
      }
      return show({ ...record, pets_ids }, shown);
    },

    async abandon(id: number, petId: number): Promise<User> {
      const record = await findUser(id);
      if (!record.pets_ids.includes(petId)) throw petNotFound();
      const pets_ids = record.pets_ids.filter((other) => other !== petId);
      const shown = await pets.find(pets_ids);
      if (!(await users.removeAdoption(id, petId))) throw petNotFound();
      return show({ ...record, pets_ids }, shown);
    },
  };
}

function show({ id, name, pets_ids }: UserRecord, pets: Pets): User {
  const shown = pets_ids.map((petId) => pets.get(petId)).filter((pet) => pet !== undefined);
  return { name, id, pets: shown };
}

function found(record: UserRecord | undefined): UserRecord {
  if (record === undefined) throw userNotFound();
  return record;
}

export function userNotFound(): NotFound {
  return new NotFound('user not found', 'urn:problem-type:user-not-found');
}

function petNotFound(): NotFound {
  return new NotFound('pet not found', 'urn:problem-type:pet-not-found');
}

function tooManyPets(): Conflict {
  return new Conflict(`a user has at most ${maxAdoptions} pets, those that are gone included`);
}
