// Written by "npm run generate" from src/services; do not change it by hand.

import type { operations } from './api.d.ts';

declare module '../src/framework/calls/peers.ts' {
  interface Peers {
    pet: {
      /** POST /pet/pets/ */
      createPet: operations['pet.createPet'];
      /** GET /pet/pets/ */
      listPets: operations['pet.listPets'];
      /** GET /pet/pets/{pet_id} */
      readPet: operations['pet.readPet'];
      /** PATCH /pet/pets/{pet_id} */
      updatePet: operations['pet.updatePet'];
      /** DELETE /pet/pets/{pet_id} */
      deletePet: operations['pet.deletePet'];
      /** POST /pet/pets/{pet_id}/hydrate */
      hydratePet: operations['pet.hydratePet'];
      /** POST /pet/pets/{pet_id}/feed */
      feedPet: operations['pet.feedPet'];
      /** POST /pet/pets/{pet_id}/treat */
      treatPet: operations['pet.treatPet'];
      /** GET /pet/events */
      readEvents: operations['pet.readEvents'];
    };
    user: {
      /** POST /user/users/ */
      createUser: operations['user.createUser'];
      /** GET /user/users/ */
      listUsers: operations['user.listUsers'];
      /** GET /user/users/{user_id} */
      readUser: operations['user.readUser'];
      /** PATCH /user/users/{user_id} */
      updateUser: operations['user.updateUser'];
      /** DELETE /user/users/{user_id} */
      deleteUser: operations['user.deleteUser'];
      /** POST /user/users/{user_id}/pets/{pet_id} */
      adoptPet: operations['user.adoptPet'];
      /** DELETE /user/users/{user_id}/pets/{pet_id} */
      abandonPet: operations['user.abandonPet'];
    };
  }
}
