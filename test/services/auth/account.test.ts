import { expect, type TestContext, test } from 'vitest';
import {
  alice,
  bearer,
  begin,
  bob,
  createAuthApp,
  from,
  holdClock,
  logIn,
  refresh,
  register,
  type Tokens,
} from './helper.ts';

const auth = { issuer: 'auth' };

/** Starts the service with authentication, and registers Alice and Bob. */
async function createSecuredApp(t: TestContext, scopes: readonly string[] = []) {
  const app = await createAuthApp(
    t,
    {},
    { auth, services: { auth: { options: { register: 'open', scopes } } } },
  );
  await register(app);
  await register(app, bob);
  return app;
}

const change = (wanted: string, old = alice.password) => ({ old, new: wanted });

test('a user reads its account', async (t) => {
  const app = await createSecuredApp(t, ['pet:read']);
  const tokens = await begin(app, bob);
  const { status, body } = await app.get('/auth/me', bearer(tokens));
  expect(status).toBe(200);
  const { created_at, ...rest } = body;
  expect(rest).toEqual({ id: 2, email: bob.email, scopes: ['pet:read'], blocked: false });
  expect(created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test.for([
  ['GET', '/auth/me'],
  ['PUT', '/auth/me/password'],
  ['GET', '/auth/sessions/'],
  ['DELETE', '/auth/sessions/'],
  ['DELETE', '/auth/sessions/current'],
  ['DELETE', `/auth/sessions/${'A'.repeat(22)}`],
  ['GET', '/auth/users/'],
  ['PATCH', '/auth/users/1'],
  ['GET', '/auth/events'],
] as const)('%s %s needs a token', async ([method, path], t) => {
  const app = await createSecuredApp(t);
  const body = method === 'PUT' || method === 'PATCH' ? {} : undefined;
  const without = await app.send(method, path, body);
  expect(without).toMatchObject({ status: 401, body: { type: 'urn:problem-type:credential-missing' } });
  const wrong = await app.send(method, path, body, bearer({ access_token: 'eyJhbGciOiJub25lIn0.e30.' }));
  expect(wrong).toMatchObject({ status: 401, body: { type: 'urn:problem-type:credential-invalid' } });
});

test.for([
  ['GET', '/auth/users/'],
  ['PATCH', '/auth/users/1'],
] as const)('%s %s needs the scope auth:admin', async ([method, path], t) => {
  const app = await createSecuredApp(t, ['pet:read']);
  const body = method === 'PATCH' ? { blocked: true } : undefined;
  expect(await app.send(method, path, body, bearer(await begin(app)))).toMatchObject({
    status: 403,
    body: { type: 'urn:problem-type:scope-missing' },
  });
});

test('a user lists its sessions and ends one, without seeing those of others', async (t) => {
  const app = await createSecuredApp(t);
  const ofBob = await begin(app, bob);
  const first = (await logIn(app, alice, { 'user-agent': 'phone' })).body as Tokens;
  const second = (await logIn(app, alice, { 'user-agent': 'laptop' })).body as Tokens;
  const { body } = await app.get('/auth/sessions/', bearer(second));
  expect(body).toMatchObject([
    { id: first.session_id, agent: 'phone', is_current: false },
    { id: second.session_id, agent: 'laptop', is_current: true },
  ]);
  const foreign = await app.delete(`/auth/sessions/${ofBob.session_id}`, bearer(second));
  expect(foreign).toMatchObject({ status: 404, body: { type: 'urn:problem-type:session-not-found' } });
  expect((await refresh(app, ofBob.refresh_token)).status).toBe(200);
  expect((await app.delete(`/auth/sessions/${first.session_id}`, bearer(second))).status).toBe(200);
  expect((await refresh(app, first.refresh_token)).status).toBe(401);
  expect((await refresh(app, second.refresh_token)).status).toBe(200);
});

test('a user logs out, and logs out everywhere', async (t) => {
  const app = await createSecuredApp(t);
  const [first, second, third] = [await begin(app), await begin(app), await begin(app)];
  expect((await app.delete('/auth/sessions/current', bearer(first))).status).toBe(200);
  expect((await refresh(app, first.refresh_token)).status).toBe(401);
  expect((await refresh(app, second.refresh_token)).status).toBe(200);
  expect((await app.delete('/auth/sessions/', bearer(second))).status).toBe(200);
  for (const { refresh_token } of [second, third])
    expect((await refresh(app, refresh_token)).status).toBe(401);
});

test('a new password needs the old one, and ends the other sessions', async (t) => {
  const app = await createSecuredApp(t);
  const [one, other] = [await begin(app), await begin(app)];
  const set = (body: object) => app.put('/auth/me/password', body, { ...bearer(one), ...from('10.0.0.1') });
  expect(await set(change(bob.password, 'four brown kettles'))).toMatchObject({
    status: 403,
    body: { type: 'urn:problem-type:password-wrong' },
  });
  expect((await set(change('password12345'))).status).toBe(422);
  expect((await refresh(app, other.refresh_token)).status).toBe(200);
  expect((await set(change(bob.password))).status).toBe(200);
  expect((await refresh(app, one.refresh_token)).status).toBe(200);
  expect((await refresh(app, other.refresh_token)).status).toBe(401);
  expect((await logIn(app)).status).toBe(401);
  await begin(app, { ...alice, password: bob.password });
});

test('one of two concurrent changes of a password succeeds', async (t) => {
  const app = await createSecuredApp(t);
  const headers = bearer(await begin(app));
  const changes = [bob.password, 'nine yellow boats'].map((wanted, index) =>
    app.put('/auth/me/password', change(wanted), { ...headers, ...from(`10.0.0.${index}`) }),
  );
  const statuses = (await Promise.all(changes)).map(({ status }) => status);
  expect(statuses.sort()).toEqual([200, 403]);
});

test('the old password cannot be guessed with a stolen token', async (t) => {
  holdClock(t);
  const app = await createSecuredApp(t);
  const headers = { ...bearer(await begin(app)), ...from('10.0.0.1') };
  const statuses: number[] = [];
  for (let index = 0; index < 7; index += 1)
    statuses.push(
      (await app.put('/auth/me/password', change(bob.password, `guess number ${index}`), headers)).status,
    );
  expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429]);
});

test('an administrator lists the users and changes their scopes', async (t) => {
  const app = await createSecuredApp(t, ['auth:admin', 'pet:read']);
  const admin = bearer(await begin(app));
  const list = await app.get('/auth/users/?limit=1&offset=1', admin);
  expect(list.body).toMatchObject([{ id: 2, email: bob.email, scopes: ['auth:admin', 'pet:read'] }]);
  expect(JSON.stringify(list.body)).not.toContain('argon2');
  const ofBob = await begin(app, bob);
  const changed = await app.patch('/auth/users/2', { scopes: ['pet:write'] }, admin);
  expect(changed).toMatchObject({ status: 200, body: { id: 2, scopes: ['pet:write'], blocked: false } });
  const next = (await refresh(app, ofBob.refresh_token)).body as Tokens;
  expect((await app.get('/auth/me', bearer(next))).body.scopes).toEqual(['pet:write']);
  expect((await app.get('/auth/users/', bearer(next))).status).toBe(403);
  expect((await app.patch('/auth/users/2', { scopes: [] }, admin)).body.scopes).toEqual([]);
  for (const scopes of [['pet'], ['pet:read pet:write'], ['Pet:read'], [7]])
    expect((await app.patch('/auth/users/2', { scopes }, admin)).status).toBe(422);
  expect((await app.patch('/auth/users/3', { blocked: true }, admin)).status).toBe(404);
});

test('a blocked user cannot log in, and its sessions end', async (t) => {
  const clock = holdClock(t);
  const app = await createSecuredApp(t, ['auth:admin']);
  const admin = bearer(await begin(app));
  const ofBob = [await begin(app, bob), await begin(app, bob)];
  expect((await app.patch('/auth/users/2', { blocked: true }, admin)).body.blocked).toBe(true);
  for (const { refresh_token } of ofBob) expect((await refresh(app, refresh_token)).status).toBe(401);
  expect(await logIn(app, bob)).toMatchObject({
    status: 401,
    body: { type: 'urn:problem-type:login-failed' },
  });
  const events = (await app.get('/auth/events', bearer(await begin(app)))).body;
  expect(events).toMatchObject({ type: 'urn:problem-type:scope-missing' });
  expect((await app.patch('/auth/users/2', { blocked: false }, admin)).body.blocked).toBe(false);
  for (const { refresh_token } of ofBob) expect((await refresh(app, refresh_token)).status).toBe(401);
  clock.pass(60);
  await begin(app, bob);
});

test('a block and concurrent logins leave no session', async (t) => {
  const app = await createSecuredApp(t, ['auth:admin']);
  const admin = bearer(await begin(app));
  const [, ...logins] = await Promise.all([
    app.patch('/auth/users/2', { blocked: true }, admin),
    ...Array.from({ length: 4 }, () => logIn(app, bob)),
  ]);
  for (const { status, body } of logins) {
    if (status !== 200) expect(status).toBe(401);
    else expect((await refresh(app, body.refresh_token)).status).toBe(401);
  }
});
