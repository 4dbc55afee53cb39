import { defineService } from '#framework';
import { createPetRepository } from './repository.ts';
import { addRoutes } from './routes.ts';
import { Pet, PetCreate, PetUpdate } from './schemas.ts';

export default defineService({
  name: 'pet',
  description: 'Pets and the care they get. Knows nothing of users.',
  tags: { pets: 'Pets and the care they get' },
  migrations: new URL('./migrations/', import.meta.url),
  async register(scope, { database }) {
    for (const schema of [Pet, PetCreate, PetUpdate]) scope.addSchema(schema);
    addRoutes(scope, createPetRepository(database));
  },
});
