// Written by "npm run generate" from src/services; do not change it by hand.

/** Imports each service by its name. Literal paths let a bundler follow them. */
export const services = {
  "auth": () => import('../src/services/auth/index.ts'),
  "pet": () => import('../src/services/pet/index.ts'),
  "user": () => import('../src/services/user/index.ts'),
};
