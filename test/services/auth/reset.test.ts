import { expect, test } from 'vitest';
import { alice, bearer, begin, bob, createAuthApp, logIn, password, refresh } from './helper.ts';
import { createMailApp, tokenOf } from './mail-helper.ts';

test('with mail a registration has one response, and the mail says the rest', async (t) => {
  const { app, next } = await createMailApp(t);
  const fresh = await app.post('/auth/users/', alice);
  expect(await next(1)).toMatchObject({ from: 'noreply@example.com', to: [alice.email] });
  const again = await app.post('/auth/users/', { ...alice, password: bob.password });
  expect([fresh.status, again.status]).toEqual([202, 202]);
  expect(again.bytes).toEqual(fresh.bytes);
  expect((await next(2)).text).toContain('which has an account already');
  expect((await logIn(app, { ...alice, password: bob.password })).status).toBe(401);
  await begin(app);
});

test('a link sets a new password once, and ends the sessions', async (t) => {
  const { app, next } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  await next(1);
  const before = await begin(app);
  const ordered = await app.post(
    '/auth/password-resets/',
    { email: 'ALICE@example.com' },
    { host: 'localhost' },
  );
  expect(ordered).toMatchObject({ status: 202, body: { accepted: true } });
  const mail = await next(2);
  expect(mail.to).toEqual([alice.email]);
  const change = { token: tokenOf(mail), password: bob.password };
  expect(change.token).not.toBe('');
  expect(await app.put('/auth/password-resets/', change)).toMatchObject({ status: 200, body: { ok: true } });
  expect((await refresh(app, before.refresh_token)).status).toBe(401);
  expect((await logIn(app)).status).toBe(401);
  await begin(app, { ...alice, password: bob.password });
  expect(await app.put('/auth/password-resets/', { ...change, password })).toMatchObject({
    status: 404,
    body: { type: 'urn:problem-type:password-reset-not-found' },
  });
});

test('a link works for 30 minutes, and not after another one was used', async (t) => {
  const { app, clock, next } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  await next(1);
  const order = () => app.post('/auth/password-resets/', { email: alice.email });
  const use = async (token: string) =>
    (await app.put('/auth/password-resets/', { token, password: bob.password })).status;
  await order();
  const first = tokenOf(await next(2));
  clock.pass(30 * 60 + 1);
  expect(await use(first)).toBe(404);
  await order();
  const second = tokenOf(await next(3));
  await order();
  const third = tokenOf(await next(4));
  const statuses = await Promise.all([use(third), use(third)]);
  expect(statuses.sort()).toEqual([200, 404]);
  expect(await use(second)).toBe(404);
});

test('a password that is easy to guess is rejected, and the link still works', async (t) => {
  const { app, next } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  await next(1);
  await app.post('/auth/password-resets/', { email: alice.email });
  const token = tokenOf(await next(2));
  const use = async (wanted: string) =>
    (await app.put('/auth/password-resets/', { token, password: wanted })).status;
  expect(await use('Password-12345')).toBe(422);
  expect(await use(bob.password)).toBe(200);
});

test('a change of the password ends the links', async (t) => {
  const { app, next } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  await next(1);
  await app.post('/auth/password-resets/', { email: alice.email });
  const token = tokenOf(await next(2));
  const change = { old: password, new: 'nine yellow boats' };
  expect((await app.put('/auth/me/password', change, bearer(await begin(app)))).status).toBe(200);
  expect((await app.put('/auth/password-resets/', { token, password: bob.password })).status).toBe(404);
});

test('an unknown address has the same response and no mail', async (t) => {
  const { app, next, mails } = await createMailApp(t);
  await app.post('/auth/users/', alice);
  await next(1);
  const unknown = await app.post('/auth/password-resets/', { email: bob.email });
  const known = await app.post('/auth/password-resets/', { email: alice.email });
  expect(unknown.status).toBe(202);
  expect(unknown.bytes).toEqual(known.bytes);
  await next(2);
  expect(mails.map(({ to }) => to)).toEqual([[alice.email], [alice.email]]);
});

test('without mail a reset is 404', async (t) => {
  const app = await createAuthApp(t);
  expect(await app.post('/auth/password-resets/', { email: alice.email })).toMatchObject({
    status: 404,
    body: { type: 'urn:problem-type:mail-not-configured' },
  });
});
