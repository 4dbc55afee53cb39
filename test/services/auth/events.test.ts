import { expect, test } from 'vitest';
import { begin, createAuthApp, holdClock, refresh, register } from './helper.ts';

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
