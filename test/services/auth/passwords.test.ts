import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { Problem } from '../../../src/framework/errors/problem.ts';
import { createPasswords, maxRunning, maxWaiting } from '../../../src/services/auth/passwords.ts';
import { alice, begin, createAuthApp, logIn, makeFolder, password, register } from './helper.ts';

test('a password is hashed with argon2id, 19 MiB and 2 passes', async () => {
  const passwords = createPasswords();
  const hash = await passwords.hash(password);
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(passwords.isOutdated(hash)).toBe(false);
  expect(await passwords.verify(hash, password)).toBe(true);
  expect(await passwords.verify(hash, `${password} `)).toBe(false);
  expect(await passwords.verify(undefined, password)).toBe(false);
});

test('at most 2 of many concurrent passwords are hashed, 50 wait, and the others are rejected', async () => {
  const passwords = createPasswords();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, () => passwords.verify(undefined, password)),
  );
  const rejected = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect([1, 2]).toContain(maxRunning);
  expect(rejected).toHaveLength(60 - maxRunning - maxWaiting);
  expect(maxWaiting).toBe(50);
  for (const reason of rejected) {
    expect(reason).toBeInstanceOf(Problem);
    expect(reason).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  }
  expect(await passwords.verify(undefined, password), 'the places are free again').toBe(false);
});

test('a login replaces a hash of other parameters', async (t) => {
  const { hash } = await import('@node-rs/argon2');
  const file = `${makeFolder(t)}/auth.db`;
  const services = { auth: { database: `sqlite:${file}`, options: { register: 'open' } } };
  const app = await createAuthApp(t, {}, { services });
  await register(app);
  const database = new Database(file);
  t.onTestFinished(() => void database.close());
  const weak = await hash(password, { memoryCost: 1024, timeCost: 1, parallelism: 1 });
  database.prepare('UPDATE account SET password_hash = ?').run(weak);
  await begin(app);
  const readHash = () => database.prepare('SELECT password_hash FROM account').pluck().get();
  const stored = readHash();
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect((await logIn(app, { ...alice, password: 'three brown kettle' })).status).toBe(401);
  await begin(app);
  expect(readHash(), 'a hash of the parameters of today stays').toBe(stored);
});
