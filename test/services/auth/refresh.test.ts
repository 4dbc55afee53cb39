import { expect, test } from 'vitest';
import type { TestApp, TestResponse } from '#framework/testing';
import { begin, createAuthApp, holdClock, refresh, register, type Tokens } from './helper.ts';

/** A session, and a clock to set. */
async function beginSession(t: Parameters<typeof createAuthApp>[0], options = {}) {
  const clock = holdClock(t);
  const app = await createAuthApp(t, options);
  await register(app);
  return { app, clock, first: (await begin(app)).refresh_token };
}

const tokenOf = ({ status, body }: TestResponse): string => {
  expect(status).toBe(200);
  return (body as Tokens).refresh_token;
};

function warningsOf({ logs }: TestApp) {
  return logs.filter(({ msg }) => msg.startsWith('a refresh token was used again'));
}

async function expectEnded(app: TestApp, ...tokens: string[]) {
  for (const token of tokens)
    expect(await refresh(app, token)).toMatchObject({
      status: 401,
      body: { type: 'urn:problem-type:refresh-failed' },
    });
}

test('a refresh replaces the token', async (t) => {
  const { app, first } = await beginSession(t);
  const response = await refresh(app, first);
  expect(response.headers.get('cache-control')).toBe('no-store');
  const second = tokenOf(response);
  expect(second).not.toBe(first);
  expect(tokenOf(await refresh(app, second))).not.toBe(second);
});

test('two tabs that refresh at the same time get the same token', async (t) => {
  const { app, clock, first } = await beginSession(t);
  const [one, other] = await Promise.all([refresh(app, first), refresh(app, first)]);
  expect(tokenOf(one)).toBe(tokenOf(other));
  clock.pass(10);
  expect(tokenOf(await refresh(app, first))).toBe(tokenOf(one));
  clock.pass(60);
  tokenOf(await refresh(app, tokenOf(one)));
  expect(warningsOf(app)).toEqual([]);
});

test('the previous token does not work for longer if the clock was set back', async (t) => {
  const { app, clock, first } = await beginSession(t);
  const second = tokenOf(await refresh(app, first));
  clock.pass(-3600);
  await expectEnded(app, first, second);
});

test('100 concurrent refreshes are one rotation', async (t) => {
  const { app, first } = await beginSession(t);
  const responses = await Promise.all(Array.from({ length: 100 }, () => refresh(app, first)));
  const tokens = new Set(responses.map(tokenOf));
  expect(tokens.size).toBe(1);
  expect(warningsOf(app)).toEqual([]);
});

test('a client that lost the response gets it again with its idempotency key', async (t) => {
  const { app, clock, first } = await beginSession(t);
  const key = { 'idempotency-key': '"0d0c8f4e"' };
  const second = tokenOf(await refresh(app, first, key));
  clock.pass(3600);
  expect(tokenOf(await refresh(app, first, key))).toBe(second);
  tokenOf(await refresh(app, second));
});

test('another key does not return a lost response', async (t) => {
  const { app, clock, first } = await beginSession(t);
  const second = tokenOf(await refresh(app, first, { 'idempotency-key': '"0d0c8f4e"' }));
  clock.pass(11);
  expect((await refresh(app, first, { 'idempotency-key': '"1d0c8f4e"' })).status).toBe(401);
  await expectEnded(app, second);
});

test('a token that was replaced 11 seconds ago ends the session', async (t) => {
  const { app, clock, first } = await beginSession(t);
  const second = tokenOf(await refresh(app, first));
  clock.pass(11);
  await expectEnded(app, first, second, first);
  expect(warningsOf(app)).toHaveLength(1);
});

test('a thief who refreshes first is found when the user refreshes', async (t) => {
  const { app, clock, first } = await beginSession(t);
  const ofThief = tokenOf(await refresh(app, first));
  clock.pass(600);
  await expectEnded(app, first, ofThief);
});

test('a thief who refreshes second is found', async (t) => {
  const { app, clock, first } = await beginSession(t);
  const ofUser = tokenOf(await refresh(app, first));
  clock.pass(600);
  const later = tokenOf(await refresh(app, ofUser));
  await expectEnded(app, first, ofUser, later);
});

test('within 10 seconds a token that was replaced twice ends the session', async (t) => {
  const { app, first } = await beginSession(t);
  const second = tokenOf(await refresh(app, first));
  const third = tokenOf(await refresh(app, second));
  await expectEnded(app, first, second, third);
});

test('a session that is not used ends', async (t) => {
  const { app, clock, first } = await beginSession(t, { idle: '1h', session: '1d' });
  clock.pass(3599);
  const second = tokenOf(await refresh(app, first));
  clock.pass(3601);
  await expectEnded(app, second);
  expect(warningsOf(app)).toEqual([]);
});

test('a refresh does not move the absolute end', async (t) => {
  const { app, clock, first } = await beginSession(t, { idle: '1h', session: '2h' });
  clock.pass(3500);
  const second = tokenOf(await refresh(app, first));
  clock.pass(3500);
  const third = tokenOf(await refresh(app, second));
  clock.pass(300);
  await expectEnded(app, third);
});

test('a session that is never refreshed ends at its absolute end too', async (t) => {
  const { app, clock, first } = await beginSession(t, { idle: '7d', session: '1h' });
  clock.pass(3601);
  await expectEnded(app, first);
});

test.for([
  ['without parts', 'v1'],
  ['of another form', 'eyJhbGciOiJub25lIn0.e30.'],
  ['of an unknown session', `v1.${'A'.repeat(22)}.1.${'A'.repeat(43)}`],
])('a token %s is 401', async ([, token], t) => {
  const { app } = await beginSession(t);
  await expectEnded(app, token as string);
});

test('a forged token does not end the session', async (t) => {
  const { app, clock, first } = await beginSession(t);
  const second = tokenOf(await refresh(app, first));
  clock.pass(60);
  const [version, session, , signature] = second.split('.') as [string, string, string, string];
  for (const counter of [1, 3, 99]) await expectEnded(app, [version, session, counter, signature].join('.'));
  tokenOf(await refresh(app, second));
});
