import { defineService } from '#framework';
import { createAdoption } from './adoption.ts';
import { createPetClient } from './pet-client.ts';
import { createUserRepository } from './repository.ts';
import { addRoutes } from './routes.ts';
import { AdoptedPet, User, UserCreate, UserUpdate } from './schemas.ts';

export default defineService({
  name: 'user',
  description:
    'Users and the pets they have adopted. Keeps the ids of pets, and reads the rest from the pet service.',
  peers: ['pet'],
  scopes: { 'user:read': 'Read users', 'user:write': 'Create, change and delete users, and adopt pets' },
  schemas: [AdoptedPet, User, UserCreate, UserUpdate],
  migrations: new URL('./migrations/', import.meta.url),
  routes(app, { database, peers }) {
    const users = createUserRepository(database);
    peers.pet.events({
      'pet.deleted'({ data }) {
        return () => users.removeAdoptionsOf(data.id);
      },
    });
    addRoutes(app, users, createAdoption(users, createPetClient(peers.pet)));
  },
});
