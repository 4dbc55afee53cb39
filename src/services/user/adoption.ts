import { found, GatewayTimeout } from '#framework';
import { petNotFound, tooManyPets, userNotFound } from './errors.ts';
import type { PetClient } from './pet-client.ts';
import type { UserRecord, UserRepository } from './repository.ts';
import { maxAdoptions, type User, type UserUpdate } from './schemas.ts';

export type Adoption = ReturnType<typeof createAdoption>;

type Pets = Awaited<ReturnType<PetClient['find']>>;

/**
 * Creates the use cases of users and pets. Each calls the pet service first and writes last, so that nothing has changed
 * if the pet service does not respond. A deleted pet is not shown, also before its event ends the adoption. A pet may be
 * deleted, and its event handled, between the lookup and the write of its adoption. The next adoption of the user ends
 * that one, so that it does not count.
 */
export function createAdoption(users: UserRepository, pets: PetClient) {
  const findUser = async (id: number): Promise<UserRecord> => found(await users.find(id), userNotFound);

  /**
   * Shows a user after a write. Other requests may have added pets after the lookup of `requested`. A second lookup
   * reads those pets, so that the response contains every write that was acknowledged before.
   * @param known the result of the lookup of `requested`.
   * @throws {GatewayTimeout} if the second lookup fails: the write is stored.
   */
  async function showWritten(record: UserRecord, requested: readonly number[], known: Pets): Promise<User> {
    const ids = new Set(requested);
    const missing = record.pets_ids.filter((petId) => !ids.has(petId));
    if (missing.length === 0) return show(record, known);
    try {
      const more = await pets.find(missing);
      return show(record, { get: (petId) => (ids.has(petId) ? known : more).get(petId) });
    } catch (cause) {
      throw new GatewayTimeout('The change was made, but the pets could not be read', { cause });
    }
  }

  return {
    /** Shows users with their pets, with a single lookup. */
    async show(records: readonly UserRecord[]): Promise<User[]> {
      const known = await pets.find(records.flatMap(({ pets_ids }) => pets_ids));
      return records.map((record) => show(record, known));
    },

    async find(id: number): Promise<User> {
      const record = await findUser(id);
      return show(record, await pets.find(record.pets_ids));
    },

    async update(id: number, { name, pets_ids }: UserUpdate): Promise<User> {
      const record = await findUser(id);
      const petIds = pets_ids === undefined ? undefined : [...new Set(pets_ids)];
      if (petIds !== undefined && petIds.length > maxAdoptions) throw tooManyPets();
      const requested = petIds ?? record.pets_ids;
      const known = await pets.find(requested);
      if (petIds?.some((petId) => !known.has(petId))) throw petNotFound();
      const change = { ...(name !== undefined && { name }), ...(petIds !== undefined && { petIds }) };
      return showWritten(found(await users.update(id, change), userNotFound), requested, known);
    },

    async adopt(id: number, petId: number): Promise<User> {
      const record = await findUser(id);
      const isNew = !record.pets_ids.includes(petId);
      const requested = isNew ? [...record.pets_ids, petId] : record.pets_ids;
      const known = await pets.find(requested);
      if (!known.has(petId)) throw petNotFound();
      if (!isNew) return show(record, known);
      const deleted = record.pets_ids.filter((one) => !known.has(one));
      const now = found(await users.addAdoption(id, petId, deleted), userNotFound);
      if (!now.pets_ids.includes(petId)) throw tooManyPets();
      return showWritten(now, requested, known);
    },

    async abandon(id: number, petId: number): Promise<User> {
      const record = await findUser(id);
      if (!record.pets_ids.includes(petId)) throw petNotFound();
      const requested = record.pets_ids.filter((other) => other !== petId);
      const known = await pets.find(requested);
      const now = found(await users.removeAdoption(id, petId), petNotFound);
      return showWritten(now, requested, known);
    },
  };
}

function show({ id, name, pets_ids }: UserRecord, pets: Pick<Pets, 'get'>): User {
  const shown = pets_ids.map((petId) => pets.get(petId)).filter((pet) => pet !== undefined);
  return { name, id, pets: shown };
}
