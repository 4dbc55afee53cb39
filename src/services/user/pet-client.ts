import type { Peer } from '#framework';

export type PetClient = ReturnType<typeof createPetClient>;

/** Creates the operations of the pet service that the user service uses. */
export function createPetClient({ listPets }: Peer<'pet'>) {
  return { find: listPets.batchBy('ids') };
}
