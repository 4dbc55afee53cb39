import type { Peer } from '#framework';

export function createPetClient({ createPet, listPets, readPet }: Peer<'pet'>) {
  return {
    /** Finds pets by id. Ids of missing pets are left out. */
    find: listPets.batchBy('ids'),
    read: (id: number) => readPet({ params: { pet_id: id } }),
    list: (limit: number) => listPets({ query: { limit } }),
    create: (name: string) => createPet({ body: { name, species: 'dog' } }),
  };
}
