import { defineService } from '#framework';
import { createAdoption } from './adoption.ts';
import { createPetClient } from './pet-client.ts';
import { createUserRepository } from './repository.ts';
import { addRoutes } from './routes.ts';
import { AdoptedPet, User, UserCreate, UserUpdate } from './schemas.ts';

export default defineService({
  name: 'user',
  description:
    'Users and the pets they have adopted. Keeps the ids of pets; the rest it asks the pet service for.',
  tags: { users: 'Users and the pets they have adopted' },
  migrations: new URL('./migrations/', import.meta.url),
  async register(scope, { database, neighbour }) {
    for (const schema of [AdoptedPet, User, UserCreate, UserUpdate]) scope.addSchema(schema);
    const users = createUserRepository(database);
    addRoutes(scope, users, createAdoption(users, createPetClient(neighbour)));
  },
});
