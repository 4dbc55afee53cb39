import { expect, type TestContext, test } from 'vitest';
import type { TestApp } from '#framework/testing';
import { createSplitApps } from '../../../src/framework/testing/index.ts';
import { sendRequest } from '../../../src/framework/testing/send-request.ts';
import { createAttemptRepository } from '../../../src/services/auth/attempt-repository.ts';
import auth from '../../../src/services/auth/index.ts';
import { createThrottle } from '../../../src/services/auth/throttle.ts';
import {
  alice,
  begin,
  bob,
  createAuthApp,
  from,
  holdClock,
  logIn,
  openAuthDatabase,
  problemOf,
  refresh,
  register,
} from './helper.ts';

const wrong = { ...alice, password: 'four brown kettles' };
const guess = (app: TestApp, address: string, user = wrong) => logIn(app, user, from(address));

/** Guesses until the limit of the account is reached, from an address for each guess. */
async function guessOften(app: TestApp, count: number, user = wrong): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < count; index += 20) {
    const some = Array.from({ length: 20 }, (_, offset) => {
      const number = index + offset;
      return guess(app, `10.1.${Math.floor(number / 200)}.${number % 200}`, user);
    });
    statuses.push(...(await Promise.all(some)).map(({ status }) => status));
  }
  return statuses;
}

const openThrottle = async (t: TestContext) =>
  createThrottle(createAttemptRepository(await openAuthDatabase(t)));

const countHashes = (statuses: readonly number[]) => statuses.filter((status) => status === 401).length;

test.for([
  ['known', wrong],
  ['unknown', bob],
] as const)('after 5 failures for a %s account an address waits longer each time', async ([, user], t) => {
  const clock = holdClock(t);
  const app = await createAuthApp(t);
  await register(app);
  for (let index = 0; index < 5; index += 1) expect((await guess(app, '10.0.0.1', user)).status).toBe(401);
  for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
    const blocked = await guess(app, '10.0.0.1', user);
    expect(blocked.headers.get('retry-after')).toBe(String(seconds));
    expect(problemOf(blocked)).toEqual({
      type: 'urn:problem-type:too-many-tries',
      title: 'Too Many Requests',
      status: 429,
      detail: 'Too many tries: wait before the next one',
    });
    clock.pass(seconds);
    expect((await guess(app, '10.0.0.1', user)).status).toBe(401);
  }
});

test('failures of an address for an account limit no other address, no other account and no running session', async (t) => {
  holdClock(t);
  const app = await createAuthApp(t);
  await register(app);
  await register(app, bob);
  const tokens = await begin(app);
  for (let index = 0; index < 5; index += 1) await guess(app, '10.0.0.1');
  expect((await guess(app, '10.0.0.1', alice)).status).toBe(429);
  expect((await guess(app, '10.0.0.2', alice)).status).toBe(200);
  expect((await guess(app, '10.0.0.1', bob)).status).toBe(200);
  expect((await refresh(app, tokens.refresh_token, from('10.0.0.1'))).status).toBe(200);
});

test('a login clears the failures of its address', async (t) => {
  const app = await createAuthApp(t);
  await register(app);
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 4; index += 1) expect((await guess(app, '10.0.0.1')).status).toBe(401);
    expect((await guess(app, '10.0.0.1', alice)).status).toBe(200);
  }
});

test('concurrent tries in processes whose clocks differ do not block each other', async (t) => {
  const clock = holdClock(t);
  const throttle = await openThrottle(t);
  for (let index = 0; index < 5; index += 1) {
    await throttle.begin(alice.email, '10.0.0.1');
    clock.pass(-0.1);
  }
  await expect(throttle.begin(alice.email, '10.0.0.1')).rejects.toMatchObject({ status: 429 });
});

test('a login gives back the try that its account has counted', async (t) => {
  holdClock(t);
  const throttle = await openThrottle(t);
  const login = await throttle.begin(alice.email, '10.2.0.0');
  for (let index = 1; index < 100; index += 1) await throttle.begin(alice.email, `10.2.0.${index}`);
  const begin = () => throttle.begin(alice.email, '10.3.0.1');
  await expect(begin()).rejects.toMatchObject({ status: 429 });
  await login.succeed();
  await begin();
});

test('the logins of a trusted address neither use up nor give back the tries of its account', async (t) => {
  const clock = holdClock(t);
  const throttle = await openThrottle(t);
  const logInFrom = async (address: string) => (await throttle.begin(alice.email, address)).succeed();
  for (let login = 0; login < 101; login += 1) {
    await logInFrom('10.0.0.1');
    clock.pass(3);
  }
  for (let index = 0; index < 100; index += 1) await throttle.begin(alice.email, `10.2.0.${index}`);
  for (let login = 0; login < 3; login += 1) await logInFrom('10.0.0.1');
  await expect(throttle.begin(alice.email, '10.3.0.1')).rejects.toMatchObject({ status: 429 });
});

test('a day without a failure resets the failures of a trusted address', async (t) => {
  const clock = holdClock(t);
  const throttle = await openThrottle(t);
  const begin = () => throttle.begin(alice.email, '10.0.0.1');
  await (await begin()).succeed();
  for (let day = 0; day < 2; day += 1) {
    for (let index = 0; index < 5; index += 1) await begin();
    await expect(begin()).rejects.toMatchObject({ status: 429 });
    clock.pass(86_400);
  }
});

test('a password that was not checked does not count', async (t) => {
  holdClock(t);
  const throttle = await openThrottle(t);
  const begin = () => throttle.begin(alice.email, '10.0.0.1');
  for (let index = 0; index < 10; index += 1) await (await begin()).cancel();
  for (let index = 0; index < 4; index += 1) await begin();
  // The fifth failure would block the address.
  await (await begin()).cancel();
  await begin();
  await expect(begin()).rejects.toMatchObject({ status: 429 });
});

test('an IPv4 address in the form of IPv6 is the same address, and no other', async (t) => {
  holdClock(t);
  const throttle = await openThrottle(t);
  for (let index = 0; index < 5; index += 1) await throttle.begin(alice.email, '::ffff:10.0.0.1');
  await expect(throttle.begin(alice.email, '10.0.0.1')).rejects.toMatchObject({ status: 429 });
  await throttle.begin(alice.email, '::FFFF:10.0.0.2');
});

test('an address has 30 tries per minute', async (t) => {
  const clock = holdClock(t);
  const app = await createAuthApp(t);
  const statuses: number[] = [];
  for (let index = 0; index < 40; index += 1)
    statuses.push((await guess(app, '10.0.0.1', { ...wrong, email: `user${index}@example.com` })).status);
  expect(statuses).toEqual([...Array(30).fill(401), ...Array(10).fill(429)]);
  const registered = await app.post('/auth/users/', alice, from('10.0.0.1'));
  expect(registered.status, 'registrations count too').toBe(429);
  expect((await guess(app, '10.0.0.2')).status).toBe(401);
  clock.pass(61);
  expect((await guess(app, '10.0.0.1')).status).toBe(401);
});

test('after the clock was set back by a day no address and no account stays blocked', async (t) => {
  const clock = holdClock(t);
  const throttle = await openThrottle(t);
  for (let index = 0; index < 5; index += 1) await throttle.begin(alice.email, '10.0.0.1');
  for (let index = 0; index < 30; index += 1) await throttle.countAddress('10.0.0.2');
  for (let index = 0; index < 100; index += 1) await throttle.begin(bob.email, `10.2.0.${index}`);
  clock.pass(-86_400);
  await throttle.begin(alice.email, '10.0.0.1');
  await throttle.countAddress('10.0.0.2');
  await throttle.begin(bob.email, '10.3.0.1');
});

test('addresses of one IPv6 network count as one', async (t) => {
  holdClock(t);
  const app = await createAuthApp(t);
  for (let index = 0; index < 5; index += 1)
    expect((await guess(app, `2001:db8:0:1::${index + 1}`)).status).toBe(401);
  expect((await guess(app, '2001:db8::1:f:0:0:9')).status).toBe(429);
  expect((await guess(app, '2001:db8:0:2::1')).status).toBe(401);
  // The framework spells these with `::` before the fourth group.
  for (let index = 0; index < 5; index += 1) await guess(app, `2001:0:0:1:f:f:f:${index}`);
  expect((await guess(app, '2001:0:0:1::9')).status).toBe(429);
  expect((await guess(app, '2001:0:0:2:f:f:f:1')).status).toBe(401);
});

test('1,000 guesses from as many addresses check at most 105 passwords', { timeout: 120_000 }, async (t) => {
  const clock = holdClock(t);
  const app = await createAuthApp(t);
  await register(app);
  await guess(app, '10.9.9.9', alice);
  const hashes = countHashes(await guessOften(app, 1000));
  expect(hashes).toBeGreaterThanOrEqual(95);
  expect(hashes).toBeLessThanOrEqual(105);
  const blocked = await guess(app, '10.8.8.8', alice);
  expect(blocked.status, 'the limit concerns an address that has never logged in').toBe(429);
  expect((await guess(app, '10.9.9.9', alice)).status, 'but not one that has').toBe(200);
  clock.pass(3600);
  expect((await guess(app, '10.8.8.8', alice)).status).toBe(200);
});

test('behind a gateway in another process the address is that of the client', async (t) => {
  holdClock(t);
  const config = {
    proxies: ['127.0.0.1'],
    internal: { key: 'a-key-of-16-characters' },
    services: { auth: { options: { register: 'open' } } },
  };
  const { gateway, appOf } = await createSplitApps(t, { services: [auth], config });
  await register(gateway);
  const guesses = async (address: string, headers = {}) => {
    const statuses: number[] = [];
    for (let index = 0; index < 6; index += 1)
      statuses.push((await logIn(gateway, wrong, { ...from(address), ...headers })).status);
    return statuses;
  };
  expect(await guesses('10.0.0.1')).toEqual([401, 401, 401, 401, 401, 429]);
  expect(await guesses('10.0.0.2')).toEqual([401, 401, 401, 401, 401, 429]);
  const forged = { 'x-client-address': '10.0.0.3' };
  expect(await guesses('10.0.0.1', forged)).toEqual(Array(6).fill(429));
  const direct = `${appOf('auth').url}/auth/login`;
  const own = { ...from('10.0.0.4') };
  for (let index = 0; index < 5; index += 1) await sendRequest(direct, 'POST', wrong, own);
  expect((await sendRequest(direct, 'POST', wrong, { ...own, ...forged })).status).toBe(429);
});

test('tries are forgotten when they no longer count', async (t) => {
  const clock = holdClock(t);
  const throttle = await openThrottle(t);
  await throttle.begin(alice.email, '10.0.0.1');
  await (await throttle.begin(bob.email, '10.0.0.2')).succeed();
  await throttle.begin(bob.email, '10.0.0.2');
  expect((await throttle.prune()).changes).toBe(0);
  clock.pass(3600);
  expect((await throttle.prune()).changes, 'two addresses, two accounts').toBe(4);
  clock.pass(23 * 3600);
  expect((await throttle.prune()).changes, 'the failure of Alice').toBe(1);
  clock.pass(29 * 86_400);
  expect((await throttle.prune()).changes, 'the address that Bob uses').toBe(1);
});
