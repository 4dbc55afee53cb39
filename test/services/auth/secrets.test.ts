import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { TestAppOptions } from '#framework/testing';
import { startCollector } from '../../support/collector.ts';
import { bearer, begin, createAuthApp, logIn, makeFolder, refresh, register } from './helper.ts';

test('passwords, tokens and private keys are in no log entry, error, document, metric or trace, and not in the database', async (t) => {
  const planted = 'planted-Password-4711';
  const user = { email: 'planted@example.com', password: planted };
  const file = `${makeFolder(t)}/auth.db`;
  const services = { auth: { database: `sqlite:${file}`, options: { register: 'open' } } };
  const { url, raw: traces } = await startCollector(t);
  const config = { services, log: { level: 'trace' }, traces: { url, ratio: 1 } };
  const app = await createAuthApp(t, {}, config as TestAppOptions['config']);
  const { post, send, get } = app;
  await register(app, user);
  const key = { 'idempotency-key': 'one-key' };
  await post('/auth/users/', { ...user, email: 'second@example.com' }, { 'idempotency-key': 'other-key' });
  const tokens = (await logIn(app, user, key)).body;
  expect((await logIn(app, user, key)).body.session_id, 'the response is not stored').not.toBe(
    tokens.session_id,
  );
  const second = (await refresh(app, tokens.refresh_token, key)).body;
  const third = (await refresh(app, second.refresh_token)).body;

  const errors = [
    await logIn(app, { ...user, email: 'nobody@example.com' }),
    await logIn(app, { ...user, email: planted }),
    await post('/auth/users/', user),
    await post('/auth/users/', `{"email":"${planted}","password":"${planted}"`),
    await post('/auth/sessions/', `{"email":"x@example.com","password":${planted}}`),
    await refresh(app, tokens.refresh_token),
    await refresh(app, `${third.refresh_token}x`),
    await send('PUT', '/auth/me/password', { old: planted, new: planted }),
    await get(`/auth/sessions/?token=${third.refresh_token}`),
  ];
  for (const { status } of errors) expect(status).toBeGreaterThanOrEqual(400);
  const documents = [await get('/auth/openapi.json'), await get('/auth/.well-known/jwks.json')];
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  expect(metrics).toContain('/auth/sessions/');
  await expect.poll(() => traces.join('')).toContain('/auth/sessions/refresh');

  const database = new Database(file, { readonly: true });
  t.onTestFinished(() => void database.close());
  const rows = (table: string) =>
    database.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[];
  const keys = rows('signing_key').map(({ private_key }) => JSON.parse(String(private_key)).d as string);
  expect(keys).toHaveLength(2);
  const tables = ['account', 'session', 'password_reset', 'attempt', 'mail', '__event', '__idempotency_key'];
  const known = new Set(
    database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all(),
  );
  expect(known).toContain('__idempotency_key');
  expect(rows('__idempotency_key'), 'a fingerprint is a fast hash of the password').toEqual([]);
  const stored = tables
    .filter((name) => known.has(name))
    .flatMap((name) => rows(name).flatMap((row) => Object.values(row).map(String)))
    .join('\n');
  const issued = [tokens, second, third].flatMap(({ access_token, refresh_token }) => [
    access_token,
    refresh_token,
  ]);
  for (const secret of [planted, ...keys, ...issued]) {
    expect(app.rawLogs.join('\n')).not.toContain(secret);
    for (const { body } of [...errors, ...documents]) expect(JSON.stringify(body)).not.toContain(secret);
    expect(stored).not.toContain(secret);
    expect(metrics).not.toContain(secret);
    expect(traces.join('')).not.toContain(secret);
  }
  expect(app.rawLogs.join('\n'), 'personal data').not.toContain('planted@example.com');
});

test('the log says who has logged in and who was changed, by id', async (t) => {
  const services = { auth: { options: { register: 'open', scopes: ['auth:admin'] } } };
  const app = await createAuthApp(t, {}, { auth: { issuer: 'auth' }, services });
  await register(app);
  const tokens = await begin(app);
  expect((await app.patch('/auth/users/1', { scopes: ['pet:read'] }, bearer(tokens))).status).toBe(200);
  expect(app.logs).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ msg: 'a user has logged in', user: 1, session: tokens.session_id }),
      expect.objectContaining({ msg: 'a user was changed', user: 1, scopes: ['pet:read'], by: '1' }),
    ]),
  );
});
