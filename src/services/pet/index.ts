import { defineService } from '#framework';
import { createPetRepository } from './repository.ts';
import { addRoutes } from './routes.ts';
import { Pet, PetCreate, PetUpdate, petEvents } from './schemas.ts';

export default defineService({
  name: 'pet',
  description: 'Pets and the care they get. Knows nothing of users.',
  scopes: { 'pet:read': 'Read pets and their events', 'pet:write': 'Create, change and delete pets' },
  schemas: [Pet, PetCreate, PetUpdate],
  events: petEvents,
  migrations: new URL('./migrations/', import.meta.url),
  routes: (app, { database, emit }) => addRoutes(app, createPetRepository(database, emit)),
});
