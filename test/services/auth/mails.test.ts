import { expect, test } from 'vitest';
import { createMailRepository } from '../../../src/services/auth/mail-repository.ts';
import { hashToken } from '../../../src/services/auth/password-resets.ts';
import { alice, bearer, begin, bob, from, openAuthDatabase } from './helper.ts';
import { createMailApp, tokenOf } from './mail-helper.ts';

test('a blocked user gets no link', async (t) => {
  const { app, clock, next, mails } = await createMailApp(t, 0, ['auth:admin']);
  await app.post('/auth/users/', alice);
  await next(1);
  await app.patch('/auth/users/1', { blocked: true }, bearer(await begin(app)));
  await app.post('/auth/password-resets/', { email: alice.email });
  clock.pass(1);
  await app.post('/auth/users/', bob);
  await next(2);
  expect(mails.map(({ to }) => to)).toEqual([[alice.email], [bob.email]]);
});

test('a stranger who orders mails cannot keep a user without a link', async (t) => {
  const { app, clock, next, mails } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  await next(1);
  const order = (address: string) =>
    app.post('/auth/password-resets/', { email: alice.email }, from(address));
  clock.pass(3600);
  for (let index = 0; index < 20; index += 1) await order('10.0.0.1');
  await expect.poll(() => mails.length).toBeGreaterThanOrEqual(2);
  // All links of the stranger end now.
  clock.pass(30 * 60 + 1);
  const before = mails.length;
  await order('10.0.0.2');
  expect(tokenOf(await next(before + 1))).not.toBe('');
});

test('an address gets at most 3 mails in half an hour, also by registrations', async (t) => {
  const { app, clock, next, mails } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  for (let index = 2; index <= 3; index += 1) {
    await next(index - 1);
    await app.post('/auth/password-resets/', { email: alice.email }, from(`10.0.0.${index}`));
  }
  await next(3);
  expect((await app.post('/auth/users/', alice)).status).toBe(202);
  clock.pass(1800);
  await app.post('/auth/password-resets/', { email: alice.email });
  expect((await next(4)).text).not.toContain('which has an account already');
  expect(mails).toHaveLength(4);
});

test('a mail that the server rejects is sent again later', async (t) => {
  const { app, clock, next } = await createMailApp(t, 1);
  await app.post('/auth/users/', alice);
  await expect.poll(() => app.logs.some(({ msg }) => msg === 'a mail could not be sent')).toBe(true);
  clock.pass(61);
  expect((await next(1)).to).toEqual([alice.email]);
});

test('one of two processes that claim a mail sends it', async (t) => {
  const mails = createMailRepository(await openAuthDatabase(t));
  await mails.add('reset', alice.email, 0);
  const [mail] = await mails.due(1);
  const claim = () => mails.claim(mail as NonNullable<typeof mail>, 60_000);
  expect((await Promise.all([claim(), claim()])).sort()).toEqual([false, true]);
  expect(await mails.due(59_999)).toEqual([]);
  expect(await mails.due(60_000)).toMatchObject([{ email: alice.email, tries: 1 }]);
});

test('the database holds a hash of a token, not the token', () => {
  expect(hashToken('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
});
