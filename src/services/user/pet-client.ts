import { type Found, lookupByIds, type ServiceContext } from '#framework';
import type { components, paths } from '#generated/api.d.ts';

type Pet = components['schemas']['pet.Pet'];

/** What the user service asks of the pet service. */
export interface PetClient {
  /**
   * Resolves with those of these pets that there are; the others are gone.
   * @throws {Unavailable | TimedOut} where nobody can say.
   */
  find(ids: readonly number[]): Promise<Found<Pet>>;
}

export function createPetClient(neighbour: ServiceContext['neighbour']): PetClient {
  const listPets = neighbour<paths>('pet').operation('get', '/pet/pets/', { sends: ['ids'] });
  return {
    find: lookupByIds(listPets, {
      parameter: 'ids',
      ask: (ids) => ({ params: { query: { ids } } }),
      idOf: (pet) => pet.id,
    }),
  };
}
