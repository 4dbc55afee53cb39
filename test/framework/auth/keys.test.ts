import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestIssuer } from '../../../src/framework/testing/index.ts';
import { createExampleApp } from '../../support/app.ts';
import { createSecuredApp, everything } from './helper.ts';

const user = { sub: '1', scopes: everything };

const realNow = performance.now.bind(performance);
let passedMs = 0;
beforeAll(() => void vi.spyOn(performance, 'now').mockImplementation(() => realNow() + passedMs));
// Not after each test, because a server would wait until the clock is where it was.
afterAll(() => {
  vi.mocked(performance.now).mockRestore();
  vi.useRealTimers();
});

/** Lets time pass for the pauses between requests of keys, and for tokens. */
function passTime(ms: number): void {
  passedMs += ms;
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}

test('the keys are requested with the first token, and once', async (t) => {
  const { issuer, sendAs, send } = await createSecuredApp(t);
  await send('GET', '/pet/pets/');
  expect(issuer.countKeyRequests()).toBe(0);
  const users = Array.from({ length: 20 }, (_, index) => ({ ...user, sub: String(index) }));
  const responses = await Promise.all(users.map((one) => sendAs(one, 'GET', '/pet/pets/')));
  expect(responses.map(({ status }) => status)).toEqual(users.map(() => 200));
  expect(issuer.countKeyRequests()).toBe(1);
});

test('keys that were never requested: 503 for a protected operation, and open ones work', async (t) => {
  const { issuer, sendAs, send } = await createSecuredApp(t);
  issuer.setAway(true);
  const refused = await sendAs(user, 'GET', '/pet/pets/');
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await sendAs(user, 'GET', '/pet/health')).status).toBe(200);
  expect((await send('GET', '/pet/pets/')).status).toBe(401);
  issuer.setAway(false);
  await expect.poll(async () => (await sendAs(user, 'GET', '/pet/pets/')).status).toBe(200);
});

test('an issuer that is away is named in /ready, until it responds again', async (t) => {
  const { issuer, sendAs, get } = await createSecuredApp(t);
  const findDegraded = async (path: string) => (await get(path)).body.degraded;
  issuer.setAway(true);
  expect(await findDegraded('/ready')).toEqual([]);
  await sendAs(user, 'GET', '/pet/pets/');
  expect(await findDegraded('/pet/ready')).toEqual(['auth']);
  expect(await findDegraded('/ready')).toEqual(['auth']);
  issuer.setAway(false);
  await expect.poll(() => findDegraded('/ready')).toEqual([]);
});

test('keys are kept while the issuer is away', async (t) => {
  const { issuer, sendAs } = await createSecuredApp(t);
  expect((await sendAs(user, 'GET', '/pet/pets/')).status).toBe(200);
  issuer.setAway(true);
  for (const sub of ['2', '3'])
    expect((await sendAs({ ...user, sub }, 'GET', '/pet/pets/')).status).toBe(200);
});

test('an unknown key id causes at most one request in 30 s', async (t) => {
  const { issuer, send, sendAs } = await createSecuredApp(t);
  await sendAs(user, 'GET', '/pet/pets/');
  const sendUnknown = async (kid: string) => {
    const authorization = `Bearer ${await issuer.sign(user, {}, { kid })}`;
    return (await send('GET', '/pet/pets/', undefined, { authorization })).status;
  };
  const before = issuer.countKeyRequests();
  for (let index = 0; index < 20; index += 1) expect(await sendUnknown(`no-${index}`)).toBe(401);
  expect(issuer.countKeyRequests() - before).toBeLessThanOrEqual(1);
  passTime(31_000);
  for (let index = 0; index < 20; index += 1) expect(await sendUnknown(`still-${index}`)).toBe(401);
  expect(issuer.countKeyRequests() - before).toBeLessThanOrEqual(2);
});

test('a new key is found, and tokens of the old one stay valid', async (t) => {
  const { issuer, send, sendAs } = await createSecuredApp(t);
  const old = await issuer.as(user);
  expect((await send('GET', '/pet/pets/', undefined, old)).status).toBe(200);
  await issuer.rotate();
  passTime(31_000);
  expect((await sendAs({ ...user, sub: '2' }, 'GET', '/pet/pets/')).status).toBe(200);
  expect((await send('GET', '/pet/pets/', undefined, old)).status).toBe(200);
});

test('known keys are requested again after 10 minutes, while tokens are verified', async (t) => {
  const { issuer, sendAs } = await createSecuredApp(t);
  expect((await sendAs(user, 'GET', '/pet/pets/')).status).toBe(200);
  passTime(590_000);
  expect((await sendAs({ ...user, sub: '2' }, 'GET', '/pet/pets/')).status).toBe(200);
  expect(issuer.countKeyRequests()).toBe(1);
  passTime(11_000);
  expect((await sendAs({ ...user, sub: '3' }, 'GET', '/pet/pets/')).status).toBe(200);
  await expect.poll(() => issuer.countKeyRequests()).toBe(2);
});

test('a verified token is not accepted after its expiry', async (t) => {
  const { issuer, send } = await createSecuredApp(t);
  const headers = await issuer.as(user);
  expect((await send('GET', '/pet/pets/', undefined, headers)).status).toBe(200);
  passTime(310_000);
  expect((await send('GET', '/pet/pets/', undefined, headers)).status).toBe(401);
});

test('the claim of the config has the scopes', async (t) => {
  const issuer = await createTestIssuer(t);
  const auth = { issuer: issuer.url, audience: 'shop', claim: 'realm_access.roles' };
  const { send } = await createExampleApp(t, { config: { auth } });
  const read = async (claims: object) => {
    const authorization = `Bearer ${await issuer.sign(user, { aud: 'shop', ...claims })}`;
    return (await send('GET', '/pet/pets/', undefined, { authorization })).status;
  };
  expect(await read({ realm_access: { roles: ['pet:read'] } })).toBe(200);
  expect(await read({})).toBe(403);
  expect(await read({ realm_access: 'pet:read' })).toBe(403);
  expect(await read({ realm_access: { roles: ['pet:read'] }, aud: 'another' })).toBe(401);
});
