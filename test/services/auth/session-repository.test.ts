import { expect, type TestContext, test } from 'vitest';
import { createAccountRepository } from '../../../src/services/auth/account-repository.ts';
import { createSessionRepository } from '../../../src/services/auth/session-repository.ts';
import { openAuthDatabase } from './helper.ts';

/** Opens an account whose password was just checked against its hash `old`. */
async function openAccount(t: TestContext) {
  const database = await openAuthDatabase(t);
  const accounts = createAccountRepository(database);
  const sessions = createSessionRepository(database, accounts, async () => {});
  const accountId = (await accounts.create('alice@example.com', 'old', '')) as number;
  const now = Date.now();
  const session = {
    id: 'a',
    accountId,
    secret: 's',
    agent: '',
    now,
    ends: now + 2_000,
    idleEnds: now + 1_000,
  };
  return {
    accounts,
    accountId,
    now,
    begin: () => sessions.create(session, 'old', 'new'),
    hashOf: async () => (await accounts.find(accountId))?.password_hash,
    list: () => sessions.list(accountId, now),
  };
}

test('a session begins, and the hash of the password is replaced', async (t) => {
  const { begin, hashOf, list, now } = await openAccount(t);
  expect(await begin()).toBe(true);
  const inMicros = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z');
  expect(await list()).toMatchObject([
    { refreshed_at: inMicros(now), idle_ends_at: inMicros(now + 1_000), ends_at: inMicros(now + 2_000) },
  ]);
  expect(await hashOf()).toBe('new');
});

test('an account that is blocked while its password is checked gets no session', async (t) => {
  const { accounts, accountId, begin, hashOf, list } = await openAccount(t);
  await accounts.change(accountId, { isBlocked: true });
  expect(await begin()).toBe(false);
  expect([await list(), await hashOf()]).toEqual([[], 'old']);
});

test('an account whose password changes while the old one is checked gets no session', async (t) => {
  const { accounts, accountId, begin, hashOf, list } = await openAccount(t);
  await accounts.setPassword(accountId, 'other');
  expect(await begin()).toBe(false);
  expect([await list(), await hashOf()]).toEqual([[], 'other']);
});
