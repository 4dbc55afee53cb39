// Written by "npm run generate" from src/services; do not change it by hand.

import type { operations } from './api.d.ts';

declare module '../src/framework/calls/peers.ts' {
  interface Peers {
    auth: {
      /** POST /auth/sessions/ */
      createSession: operations['auth.createSession'];
      /** GET /auth/sessions/ */
      listSessions: operations['auth.listSessions'];
      /** DELETE /auth/sessions/ */
      endSessions: operations['auth.endSessions'];
      /** POST /auth/login */
      logIn: operations['auth.logIn'];
      /** POST /auth/sessions/refresh */
      refreshSession: operations['auth.refreshSession'];
      /** DELETE /auth/sessions/current */
      endCurrentSession: operations['auth.endCurrentSession'];
      /** DELETE /auth/sessions/{session_id} */
      endSession: operations['auth.endSession'];
      /** POST /auth/users/ */
      registerUser: operations['auth.registerUser'];
      /** GET /auth/users/ */
      listUsers: operations['auth.listUsers'];
      /** PATCH /auth/users/{user_id} */
      updateUser: operations['auth.updateUser'];
      /** GET /auth/me */
      readMe: operations['auth.readMe'];
      /** PUT /auth/me/password */
      changePassword: operations['auth.changePassword'];
      /** POST /auth/password-resets/ */
      requestPasswordReset: operations['auth.requestPasswordReset'];
      /** PUT /auth/password-resets/ */
      resetPassword: operations['auth.resetPassword'];
      /** GET /auth/.well-known/jwks.json */
      readKeySet: operations['auth.readKeySet'];
      /** GET /auth/.well-known/openid-configuration */
      readDiscovery: operations['auth.readDiscovery'];
      /** GET /auth/events */
      readEvents: operations['auth.readEvents'];
    };
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
