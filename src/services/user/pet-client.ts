import type { Peer } from '#framework';

export type PetClient = ReturnType<typeof createPetClient>;

/** What the user service uses of the pet service. */
export function createPetClient({ listPets }: Peer<'pet'>) {
  return { find: listPets.batchBy('ids') };
}
