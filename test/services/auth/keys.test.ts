import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { expect, type TestContext, test, vi } from 'vitest';
import { sql } from '#framework/database';
import { createKeyRepository } from '../../../src/services/auth/key-repository.ts';
import { createSigningKeys, type SigningKeys } from '../../../src/services/auth/signing-keys.ts';
import { holdClock, openAuthDatabase } from './helper.ts';

const tokenMs = 600_000;

/** Opens a database, and returns what opens the keys in it, as each process does. */
async function openKeys(t: TestContext) {
  const database = await openAuthDatabase(t);
  return () => createSigningKeys(createKeyRepository(database), tokenMs);
}

test('a process reads the keys again after 20 seconds', async (t) => {
  const clock = holdClock(t);
  const repository = createKeyRepository(await openAuthDatabase(t));
  const list = vi.fn(repository.list);
  const keys = createSigningKeys({ ...repository, list }, tokenMs);
  await expect(keys.sign({ sub: '1' })).rejects.toThrow('there is no key to sign tokens with');
  await keys.ensure();
  list.mockClear();
  for (const [seconds, reads] of [
    [0, 1],
    [19, 1],
    [1, 2],
    [19, 2],
  ] as const) {
    clock.pass(seconds);
    await keys.sign({ sub: '1' });
    expect(list).toHaveBeenCalledTimes(reads);
  }
});

test.for(['current', 'next'])('the start replaces a %s key that was deleted', async (role, t) => {
  const database = await openAuthDatabase(t);
  const keys = createSigningKeys(createKeyRepository(database), tokenMs);
  await keys.ensure();
  const before = await publishedBy(keys);
  await database.prepare(sql`DELETE FROM signing_key WHERE role = ${role}`).run();
  await keys.ensure();
  const after = await publishedBy(keys);
  expect(after).toHaveLength(2);
  expect(after.filter((kid) => before.includes(kid))).toHaveLength(1);
  await keys.ensure();
  expect(await publishedBy(keys)).toEqual(after);
});

const kidOf = async (keys: SigningKeys) => decodeProtectedHeader(await keys.sign({ sub: '1' })).kid;
const publishedBy = async (keys: SigningKeys) => (await keys.listPublic()).map(({ kid }) => kid as string);

test('processes that start at the same time create one pair of keys', async (t) => {
  const open = await openKeys(t);
  const all = Array.from({ length: 8 }, open);
  await Promise.all(all.map((keys) => keys.ensure()));
  expect(await publishedBy(open())).toHaveLength(2);
  const kids = new Set(await Promise.all(all.map(kidOf)));
  expect(kids.size).toBe(1);
});

test('the next key signs only after verifiers know it', async (t) => {
  const clock = holdClock(t);
  const open = await openKeys(t);
  const keys = open();
  await keys.ensure();
  const [before] = await publishedBy(keys);
  expect(await kidOf(keys)).toBe(before);
  expect(await keys.rotate(false)).toBe(1_200_000);
  expect(await kidOf(keys)).toBe(before);
  clock.pass(1199);
  expect(await keys.rotate(false)).toBe(1_000);
  clock.pass(1);
  const next = (await publishedBy(keys))[1];
  expect(await keys.rotate(false)).toBe(0);
  expect(await kidOf(keys)).toBe(next);
  expect(await keys.rotate(false), 'the new next key is not known yet').toBe(1_200_000);
  expect(await keys.rotate(true)).toBe(0);
});

test('a process signs with the new key soon, also if the clock was set back', async (t) => {
  const clock = holdClock(t);
  const open = await openKeys(t);
  const [one, other] = [open(), open()];
  await one.ensure();
  await kidOf(one);
  clock.pass(-86_400);
  await other.rotate(true);
  clock.pass(30);
  expect(await kidOf(one)).toBe(await kidOf(other));
});

test('one of two concurrent rotations takes effect', async (t) => {
  const clock = holdClock(t);
  const open = await openKeys(t);
  await open().ensure();
  clock.pass(1200);
  const waits = await Promise.all([open().rotate(false), open().rotate(false)]);
  expect(waits.sort()).toEqual([0, 1_200_000]);
  expect(await publishedBy(open())).toHaveLength(3);
});

test('every token is valid until it ends, in each process, while keys rotate', async (t) => {
  const clock = holdClock(t);
  const open = await openKeys(t);
  const [one, other] = [open(), open()];
  await one.ensure();
  const tokens: { token: string; endsMs: number }[] = [];
  /** The keys of a verifier that reads them as rarely as it may. */
  let known: { keys: JSONWebKeySet; readMs: number } | undefined;
  let checks = 0;
  for (let step = 0; step < 240; step += 1) {
    const now = Date.now();
    if (known === undefined || now - known.readMs >= tokenMs)
      known = { keys: { keys: await one.listPublic() }, readMs: now };
    for (const keys of [one, other]) {
      const exp = Math.floor(now / 1000) + 600;
      tokens.push({ token: await keys.sign({ sub: '1', exp }), endsMs: exp * 1000 });
    }
    if (step % 40 === 39) await one.rotate(false);
    await one.prune();
    const read = createLocalJWKSet(known.keys);
    while ((tokens[0] as { endsMs: number }).endsMs <= now) tokens.shift();
    for (const { token } of [tokens[0], tokens.at(-1), tokens.at(-2)] as typeof tokens) {
      await jwtVerify(token, read, { currentDate: new Date(now) });
      checks += 1;
    }
    clock.pass(35);
  }
  expect(checks).toBe(720);
  expect((await publishedBy(one)).length, 'keys without a valid token are removed').toBeLessThanOrEqual(3);
});
