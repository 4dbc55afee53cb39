// Written by "npm run generate" from src/services; do not change it by hand.

/** Every service that there is, by name: how an app finds them, and what a bundler can follow. */
export const services = {
  "pet": () => import('../src/services/pet/index.ts'),
  "user": () => import('../src/services/user/index.ts'),
};
