import { expect, test } from 'vitest';
import { contract } from '../../support/app.ts';
import { createSecuredApp, everything } from './helper.ts';

const alice = { sub: '1', scopes: everything };

test('a route needs its scope: 401 without a credential, 403 without the scope', async (t) => {
  const { send, sendAs } = await createSecuredApp(t);
  const missing = await send('GET', '/pet/pets/');
  expect(missing.status).toBe(401);
  expect(missing.headers.get('www-authenticate')).toBe('Bearer');
  expect(missing.body).toMatchObject({ type: 'urn:problem-type:credential-missing', status: 401 });

  const reader = { sub: '2', scopes: ['pet:read'] };
  expect((await sendAs(reader, 'GET', '/pet/pets/')).status).toBe(200);
  const refused = await sendAs(reader, 'POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  expect(refused.status).toBe(403);
  expect(refused.headers.get('www-authenticate')).toBe(
    'Bearer error="insufficient_scope", scope="pet:write"',
  );
  expect(refused.body.type).toBe('urn:problem-type:scope-missing');
  expect((await sendAs(alice, 'POST', '/pet/pets/', { name: 'Rex', species: 'dog' })).status).toBe(200);
});

test('every operation of the services needs a scope; the system routes are open', async (t) => {
  const { send } = await createSecuredApp(t);
  const open: string[] = [];
  for (const [path, item] of Object.entries(contract.paths)) {
    for (const [method, operation] of Object.entries(item as Record<string, { security?: unknown[] }>)) {
      const { status } = await send(method.toUpperCase(), path.replace(/\{\w+\}/g, '1'));
      const isSecured = (operation.security ?? []).length > 0;
      expect({ method, path, isRefused: status === 401 }).toEqual({ method, path, isRefused: isSecured });
      if (!isSecured) open.push(`${method} ${path}`);
    }
  }
  expect(open.every((target) => /^get \/(pet|user)\/(health|ready)?$/.test(target))).toBe(true);
  for (const path of ['/', '/health', '/ready', '/openapi.json', '/pet/openapi.json', '/docs', '/pet/docs'])
    expect({ path, status: (await send('GET', path)).status }).toEqual({ path, status: 200 });
});

test('a refusal comes before the body is read and before the idempotency key is claimed', async (t) => {
  const { send, issuer } = await createSecuredApp(t);
  const headers = { 'idempotency-key': 'a-key' };
  expect((await send('POST', '/pet/pets/', '{', headers)).status).toBe(401);
  expect((await send('POST', '/pet/pets/', { name: 1 }, headers)).status).toBe(401);
  const authorization = (await issuer.as(alice)).authorization;
  const created = await send(
    'POST',
    '/pet/pets/',
    { name: 'Rex', species: 'dog' },
    { ...headers, authorization },
  );
  expect(created.status).toBe(200);
});

test('an idempotency key belongs to its principal', async (t) => {
  const { send, issuer } = await createSecuredApp(t);
  const post = async (sub: string, name: string) =>
    send(
      'POST',
      '/pet/pets/',
      { name, species: 'dog' },
      {
        'idempotency-key': 'one-key',
        ...(await issuer.as({ sub, scopes: everything })),
      },
    );
  const [first, other, again] = [await post('1', 'Rex'), await post('2', 'Tom'), await post('1', 'Rex')];
  expect([first.status, other.status, again.status]).toEqual([200, 200, 200]);
  expect([first.body.name, other.body.name]).toEqual(['Rex', 'Tom']);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(other.headers.get('idempotent-replayed')).toBeNull();
});

test('the idempotency key of a service is not that of a user with the same name', async (t) => {
  const { send, issuer } = await createSecuredApp(t);
  const service = { 'x-internal': 'service a-key-of-the-test-apps', 'x-service': 'user' };
  const user = await issuer.as({ sub: 'user', scopes: everything });
  for (const credential of [user, service]) {
    const headers = { 'idempotency-key': 'one-key', ...credential };
    const { status, headers: sent } = await send(
      'POST',
      '/pet/pets/',
      { name: 'Rex', species: 'dog' },
      headers,
    );
    expect([status, sent.get('idempotent-replayed')]).toEqual([200, null]);
  }
});

test('a path that does not exist is 404 for everyone, also with a credential that is not valid', async (t) => {
  const { send } = await createSecuredApp(t);
  expect((await send('GET', '/pet/unknown')).status).toBe(404);
  expect((await send('GET', '/pet/unknown', undefined, { authorization: 'Bearer no-token' })).status).toBe(
    404,
  );
});

test.for([{ split: false }, { split: true }])(
  'a service calls another as itself, without the token of the user: %o',
  async (options, t) => {
    const { sendAs } = await createSecuredApp(t, options);
    await sendAs(alice, 'POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    // Bob may not read pets, but the user service may.
    const bob = { sub: '2', scopes: ['user:read', 'user:write'] };
    expect((await sendAs(bob, 'POST', '/user/users/', { name: 'Bob' })).status).toBe(200);
    const adopted = await sendAs(bob, 'POST', '/user/users/1/pets/1');
    expect(adopted.status).toBe(200);
    expect(adopted.body.pets).toMatchObject([{ name: 'Rex' }]);
    expect((await sendAs(bob, 'GET', '/pet/pets/1')).status).toBe(403);
  },
);

test.for([
  { 'x-service': 'user' },
  { 'x-internal': 'service a-wrong-key-of-the-apps', 'x-service': 'user' },
  { 'x-internal': 'service', 'x-service': 'user' },
  { 'x-internal': 'gateway a-key-of-the-test-apps', 'x-service': 'user' },
])('a client cannot pretend to be a service: %o', async (headers, t) => {
  const { send } = await createSecuredApp(t);
  expect((await send('GET', '/pet/pets/', undefined, headers as never)).status).toBe(401);
});

test('events reach a consumer, which reads the feed as a service', async (t) => {
  const { sendAs, untilEventsHandled } = await createSecuredApp(t, { split: true });
  await sendAs(alice, 'POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
  await sendAs(alice, 'POST', '/user/users/', { name: 'Alice' });
  await sendAs(alice, 'POST', '/user/users/1/pets/1');
  await sendAs(alice, 'DELETE', '/pet/pets/1');
  await untilEventsHandled();
  expect((await sendAs(alice, 'GET', '/user/users/1')).body.pets).toEqual([]);
});
