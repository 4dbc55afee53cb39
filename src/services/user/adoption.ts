import { Conflict, GatewayTimeout, NotFound, openSliceScheduler, type Page } from '#framework';
import type { PetClient } from './pet-client.ts';
import type { UserRecord, UserRepository } from './repository.ts';
import { maxAdoptions, type User, type UserUpdate } from './schemas.ts';

export type Adoption = ReturnType<typeof createAdoption>;

type Pets = Awaited<ReturnType<PetClient['find']>>;

/** A page with more pets is read in slices of so many: some 30 ms of work each. A user has fewer. */
const sliceSize = 2_500;
/** How many pets the pages that are being read may have together: ten of the largest. Past it: 503. */
const maxPetsInWork = 1_000_000;

/**
 * Where users and pets meet. Each use case asks the pet service first, once, and writes last, so that where it
 * cannot be asked nothing has changed. A pet that is gone is not shown; that it was adopted stays on record, as
 * the pet service may be wrong for a while and ids are never used again.
 */
export function createAdoption(users: UserRepository, pets: PetClient) {
  const runSlices = openSliceScheduler({
    parallel: 2,
    maxUnits: maxPetsInWork,
    detail: 'Too many pages of users with many pets are being read',
  });

  async function findUser(id: number): Promise<UserRecord> {
    return found(await users.find(id));
  }

  /**
   * Shows a user as it is after a write. Others may have given it pets since `known` was asked for: those are asked for
   * now, so that the response is of one point in time and has each write that was acknowledged before.
   * @throws {GatewayTimeout} if they cannot be asked for: the write was made.
   */
  async function showWritten(record: UserRecord, asked: readonly number[], known: Pets): Promise<User> {
    const all = new Set(asked);
    const missing = record.pets_ids.filter((petId) => !all.has(petId));
    if (missing.length === 0) return show(record, known);
    try {
      const more = await pets.find(missing);
      return show(record, { get: (petId) => (all.has(petId) ? known : more).get(petId) });
    } catch (cause) {
      throw new GatewayTimeout('The change was made, and its pets could not be read', { cause });
    }
  }

  return {
    /** Gives the users of a page to `add`, in order: all of them, or slice by slice if they have many pets. */
    async list(page: Page, add: (users: User[]) => void): Promise<void> {
      const records = await users.list(page);
      const count = records.reduce((sum, { pets_ids }) => sum + pets_ids.length, 0);
      const showSlice = async (slice: readonly UserRecord[]) => {
        const shown = await pets.find(slice.flatMap(({ pets_ids }) => pets_ids));
        add(slice.map((record) => show(record, shown)));
      };
      if (count <= sliceSize) await showSlice(records);
      else
        await runSlices(
          count,
          divide(records).map((slice) => () => showSlice(slice)),
        );
    },

    async find(id: number): Promise<User> {
      const record = await findUser(id);
      return show(record, await pets.find(record.pets_ids));
    },

    async update(id: number, { name, pets_ids }: UserUpdate): Promise<User> {
      const record = await findUser(id);
      const petIds = pets_ids === undefined ? undefined : [...new Set(pets_ids)];
      if (petIds !== undefined && petIds.length > maxAdoptions) throw tooManyPets();
      const asked = petIds ?? record.pets_ids;
      const known = await pets.find(asked);
      if (petIds?.some((petId) => !known.has(petId))) throw petNotFound();
      const change = { ...(name !== undefined && { name }), ...(petIds !== undefined && { petIds }) };
      return showWritten(found(await users.update(id, change)), asked, known);
    },

    async adopt(id: number, petId: number): Promise<User> {
      const record = await findUser(id);
      const isNew = !record.pets_ids.includes(petId);
      const asked = isNew ? [...record.pets_ids, petId] : record.pets_ids;
      const known = await pets.find(asked);
      if (!known.has(petId)) throw petNotFound();
      if (!isNew) return show(record, known);
      const now = found(await users.addAdoption(id, petId));
      if (!now.pets_ids.includes(petId)) throw tooManyPets();
      return showWritten(now, asked, known);
    },

    async abandon(id: number, petId: number): Promise<User> {
      const record = await findUser(id);
      if (!record.pets_ids.includes(petId)) throw petNotFound();
      const asked = record.pets_ids.filter((other) => other !== petId);
      const known = await pets.find(asked);
      const now = await users.removeAdoption(id, petId);
      if (now === undefined) throw petNotFound();
      return showWritten(now, asked, known);
    },
  };
}

/** The users in slices of at most `sliceSize` pets. */
function divide(records: readonly UserRecord[]): UserRecord[][] {
  const slices: UserRecord[][] = [];
  let left = 0;
  for (const record of records) {
    left -= record.pets_ids.length;
    if (slices.length === 0 || left < 0) {
      slices.push([]);
      left = sliceSize - record.pets_ids.length;
    }
    slices.at(-1)?.push(record);
  }
  return slices;
}

function show({ id, name, pets_ids }: UserRecord, pets: Pick<Pets, 'get'>): User {
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
