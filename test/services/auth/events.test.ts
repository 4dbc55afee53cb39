import { expect, test } from 'vitest';
import { createSplitApps } from '../../../src/framework/testing/index.ts';
import auth from '../../../src/services/auth/index.ts';
import { bearer, begin, createAuthApp, holdClock, refresh, register } from './helper.ts';

test('a session that ends because its token was stolen emits an event', async (t) => {
  const clock = holdClock(t);
  const app = await createAuthApp(t);
  await register(app);
  const { refresh_token, session_id } = await begin(app);
  await refresh(app, refresh_token);
  clock.pass(11);
  expect((await refresh(app, refresh_token)).status).toBe(401);
  expect((await app.get('/auth/events')).body).toMatchObject([
    { type: 'session.ended', subject: session_id, data: { session_id, user_id: 1 } },
  ]);
});

test('an account has at most 100 sessions: a login ends the oldest', async (t) => {
  const clock = holdClock(t);
  const app = await createAuthApp(t);
  await register(app);
  const first = await begin(app);
  clock.pass(1);
  for (let index = 1; index < 100; index += 1) {
    if (index % 25 === 0) clock.pass(60);
    await begin(app);
  }
  expect((await app.get('/auth/events')).body).toEqual([]);
  clock.pass(60);
  await begin(app);
  const events = (await app.get('/auth/events')).body as { subject: string }[];
  expect(events.map(({ subject }) => subject)).toEqual([first.session_id]);
  expect((await refresh(app, first.refresh_token)).status).toBe(401);
});

test('an access token of a session that has ended is rejected', async (t) => {
  const clock = holdClock(t);
  const services = { auth: { options: { register: 'open' } } };
  const app = await createAuthApp(t, {}, { auth: { issuer: 'auth' }, services });
  await register(app);
  const [stolen, other] = [await begin(app), await begin(app)];
  await refresh(app, stolen.refresh_token);
  clock.pass(11);
  expect((await refresh(app, stolen.refresh_token)).status).toBe(401);
  // The process reads the feed before it accepts the first token of a session.
  expect(await app.get('/auth/me', bearer(stolen))).toMatchObject({
    status: 401,
    body: { type: 'urn:problem-type:credential-invalid' },
  });
  expect((await app.get('/auth/me', bearer(other))).status).toBe(200);
});

test('it is rejected also by an app with the name of a service that has a separate secret', async (t) => {
  const clock = holdClock(t);
  const internal = { key: 'a-key-of-the-test-apps', keys: { auth: 'a-separate-key-of-auth' } };
  const services = { auth: { options: { register: 'open' } } };
  const config = { auth: { issuer: 'auth' }, internal, services };
  const { gateway } = await createSplitApps(t, { services: [auth], config });
  await register(gateway);
  const stolen = await begin(gateway);
  await refresh(gateway, stolen.refresh_token);
  clock.pass(11);
  expect((await refresh(gateway, stolen.refresh_token)).status).toBe(401);
  expect((await gateway.get('/auth/me', bearer(stolen))).status).toBe(401);
});
