import { expect, test } from 'vitest';
import { createTestApp, createTestIssuer } from '#framework/testing';
import pet from '../../../src/services/pet/index.ts';

test('the pets need a token with a scope', async (t) => {
  const issuer = await createTestIssuer(t);
  const app = await createTestApp(t, { services: [pet], config: { auth: { issuer: issuer.url } } });
  const alice = await issuer.as({ sub: 'alice', scopes: ['pet:read'] });
  expect((await app.get('/pet/pets/', alice)).status).toBe(200);
  expect((await app.get('/pet/pets/')).status).toBe(401);
});
