import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { getCaller } from '../../../src/framework/index.ts';
import { contract, createExampleApp, makeFolder } from '../../support/app.ts';

const apps = { gateway: { host: '0.0.0.0', port: 0, services: ['pet', 'user'] } };

test('protected operations beyond loopback without a decision stop the start', async (t) => {
  await expect(createExampleApp(t, { config: { apps } })).rejects.toThrow(
    /^config\.yaml: apps\.gateway\.host: other machines reach \d+ operations that need a credential, and auth is missing: configure it, or write auth: false$/,
  );
});

test('they stop the start before a database is created', async (t) => {
  const file = join(makeFolder(t), 'pet.db');
  const services = { pet: { database: `sqlite:${file}` } };
  await expect(createExampleApp(t, { config: { apps, services } })).rejects.toThrow('auth is missing');
  expect(existsSync(file)).toBe(false);
});

test('they stop the start also if the committed contract is older than their protection', async (t) => {
  const older = JSON.parse(JSON.stringify(contract, (name, value) => (name === 'security' ? [] : value)));
  await expect(createExampleApp(t, { config: { apps }, contract: older })).rejects.toThrow('auth is missing');
});

test('`auth: false`, or loopback, leaves every operation open', async (t) => {
  for (const config of [{ apps, auth: false }, {}]) {
    const { send } = await createExampleApp(t, { config });
    expect((await send('GET', '/pet/pets/')).status).toBe(200);
    // Without authentication a credential means nothing.
    expect((await send('GET', '/pet/pets/', undefined, { authorization: 'Bearer x' })).status).toBe(200);
  }
});

test.for([
  [{ issuer: 'nope' }, /auth\.issuer: nope is not under services/],
  [{ issuer: 'http://issuer.example' }, /auth\.issuer must begin with https:\/\//],
  [{ issuer: 'https://a b' }, /auth\.issuer must be the name of a service, or the URL/],
  [{ issuer: 'https://issuer.example', claim: 'a..b' }, /auth\.claim must be the name of a claim/],
  [{ issuer: 'https://issuer.example', scopes: [] }, /auth\.scopes is not a known key/],
  [{}, /auth\.issuer is missing/],
  [true, /auth must be false, or a map with issuer/],
] as const)('a mistake in auth is one line: %o', async ([auth, message], t) => {
  await expect(createExampleApp(t, { config: { auth } })).rejects.toThrow(message);
});

test('several apps with authentication need a key, by which services prove who they are', async (t) => {
  const auth = { issuer: 'https://issuer.example' };
  await expect(createExampleApp(t, { split: true, config: { auth } })).rejects.toThrow(
    'internal.key is missing: with auth and several apps, services prove by it who they are',
  );
  const internal = { keys: { nobody: 'a-key-of-the-test-apps' } };
  await expect(createExampleApp(t, { config: { internal } })).rejects.toThrow(
    'internal.keys.nobody is not under services',
  );
});

test('the issuer keeps its events at least as long as a token can live, because they say which sessions have ended', async (t) => {
  const withKeep = (keep: string) => {
    const services = { pet: { database: 'sqlite::memory:', events: { keep } } };
    return createExampleApp(t, { config: { auth: { issuer: 'pet' }, services } });
  };
  await expect(withKeep('23h')).rejects.toThrow(
    'services.pet.events.keep must be at least 1d: apps read in the events of auth.issuer which sessions have ended',
  );
  await withKeep('24h');
});

test('outside of a request the caller is anonymous', () => {
  expect(getCaller()).toMatchObject({ kind: 'anonymous', scopes: [] });
});
