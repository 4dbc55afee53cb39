import { afterEach, describe, expect, test, vi } from 'vitest';
import { createExampleApp, makeFolder } from '../../support/app.ts';
import { formType, upTo } from '../../support/route-contract.ts';
import { actions, createPet, createPets, type Pet, readPet, toMicroseconds } from './requests.ts';

const hourMs = 3_600_000;
const realNow = Date.now;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Makes the clock differ by this from the real time. */
function moveClock(offsetMs: number): void {
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + offsetMs);
}

describe('the care of a pet', () => {
  test('hydrate sets only the last interaction', async (t) => {
    const { send } = await createExampleApp(t);
    const pet = await createPet(send, { age: 3, mood: 'sleepy' });
    const { status, body } = await send('POST', '/pet/pets/1/hydrate');
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ...pet, last_interaction: body.last_interaction });
    expect(toMicroseconds(body.last_interaction)).toBeGreaterThan(toMicroseconds(pet.last_interaction));
    expect(await readPet(send, 1)).toStrictEqual(body);
  });

  test('feed sets both times to the same point in time', async (t) => {
    const { send } = await createExampleApp(t);
    const pet = await createPet(send, { age: 3, mood: 'sleepy' });
    const { status, body } = await send('POST', '/pet/pets/1/feed');
    const time = body.last_interaction;
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ...pet, last_fed: time, last_interaction: time });
    expect(toMicroseconds(time)).toBeGreaterThan(toMicroseconds(pet.last_interaction));
    expect(await readPet(send, 1)).toStrictEqual(body);
  });

  test('treat sets both times to the same point in time, and excites the pet', async (t) => {
    const { send } = await createExampleApp(t);
    const pet = await createPet(send, { age: 3, mood: 'sleepy' });
    const { status, body } = await send('POST', '/pet/pets/1/treat');
    const time = body.last_interaction;
    expect(status).toBe(200);
    expect(body).toStrictEqual({ ...pet, mood: 'excited', last_fed: time, last_interaction: time });
    expect(toMicroseconds(time)).toBeGreaterThan(toMicroseconds(pet.last_interaction));
    expect(await readPet(send, 1)).toStrictEqual(body);
  });

  test('does not change another pet', async (t) => {
    const { send } = await createExampleApp(t);
    const [, second] = await createPets(send, 2);
    for (const action of actions) await send('POST', `/pet/pets/1/${action}`);
    expect(await readPet(send, 2)).toStrictEqual(second);
  });

  test.for(actions)(
    '%s accepts a request without a body, and an empty body of any content type',
    async (action, t) => {
      const { send } = await createExampleApp(t);
      await createPet(send);
      const path = `/pet/pets/1/${action}`;
      expect((await send('POST', path)).status).toBe(200);
      const types = [
        formType,
        'application/json',
        'text/plain',
        'multipart/form-data',
        'application/octet-stream',
      ];
      for (const type of types) {
        const { status } = await send('POST', path, '', { 'content-type': type });
        expect({ type, status }).toEqual({ type, status: 200 });
      }
    },
  );

  test('feed accepts an empty body of an invalid content type', async (t) => {
    const { send } = await createExampleApp(t);
    await createPet(send);
    for (const type of ['nonsense', '']) {
      const { status } = await send('POST', '/pet/pets/1/feed', '', { 'content-type': type });
      expect({ type, status }).toEqual({ type, status: 200 });
    }
  });

  test.for(actions)('%s accepts an empty chunked body', async (action, t) => {
    const { url, send } = await createExampleApp(t);
    await createPet(send);
    for (const type of [undefined, formType, 'application/json']) {
      const body = new ReadableStream({ start: (controller) => controller.close() });
      const { status } = await fetch(`${url}/pet/pets/1/${action}`, {
        method: 'POST',
        body,
        duplex: 'half',
        headers: type === undefined ? {} : { 'content-type': type },
      });
      expect({ type, status }).toEqual({ type, status: 200 });
    }
  });
});

describe('the times of a pet', () => {
  test.for(actions)(
    'rise by a microsecond with each %s if the clock goes back an hour',
    async (action, t) => {
      const { send } = await createExampleApp(t);
      let last = toMicroseconds((await createPet(send)).last_interaction);
      moveClock(-hourMs);
      for (let times = 0; times < 3; times++) {
        const { body } = await send('POST', `/pet/pets/1/${action}`);
        expect(toMicroseconds(body.last_interaction)).toBe(last + 1);
        last = toMicroseconds(body.last_interaction);
      }
      expect(toMicroseconds((await readPet(send, 1)).last_interaction)).toBe(last);
    },
  );

  test('follow the clock again as soon as it has caught up', async (t) => {
    const { send } = await createExampleApp(t);
    moveClock(hourMs);
    const ahead = await createPet(send);
    expect(Math.abs(toMicroseconds(ahead.last_fed) / 1_000 - (realNow() + hourMs))).toBeLessThan(5_000);
    moveClock(0);
    const early = (await send('POST', '/pet/pets/1/feed')).body;
    expect(toMicroseconds(early.last_fed)).toBe(toMicroseconds(ahead.last_fed) + 1);
    moveClock(2 * hourMs);
    const later = (await send('POST', '/pet/pets/1/feed')).body;
    expect(Math.abs(toMicroseconds(later.last_fed) / 1_000 - (realNow() + 2 * hourMs))).toBeLessThan(5_000);
  });

  test('do not affect the times of another pet', async (t) => {
    const { send } = await createExampleApp(t);
    moveClock(hourMs);
    await createPet(send);
    moveClock(0);
    const { last_fed } = await createPet(send);
    expect(Math.abs(toMicroseconds(last_fed) / 1_000 - realNow())).toBeLessThan(5_000);
  });

  test('rise after a restart with a clock that has gone back', async (t) => {
    const serviceConfigs = { pet: { database: `sqlite:${makeFolder(t)}/pet.db` } };
    const { send, app } = await createExampleApp(t, { config: { services: serviceConfigs } });
    await createPet(send);
    moveClock(hourMs);
    const ahead: Pet = (await send('POST', '/pet/pets/1/hydrate')).body;
    await app.stop();
    moveClock(0);
    const again = await createExampleApp(t, { config: { services: serviceConfigs } });
    expect(await readPet(again.send, 1)).toStrictEqual(ahead);
    const fed: Pet = (await again.send('POST', '/pet/pets/1/feed')).body;
    expect(fed.last_fed).toBe(fed.last_interaction);
    expect(toMicroseconds(fed.last_fed)).toBe(toMicroseconds(ahead.last_interaction) + 1);
  });

  test('rise if two apps write to the same database', async (t) => {
    const serviceConfigs = { pet: { database: `sqlite:${makeFolder(t)}/pet.db` } };
    const [first, second] = [
      await createExampleApp(t, { config: { services: serviceConfigs } }),
      await createExampleApp(t, { config: { services: serviceConfigs } }),
    ];
    let last = toMicroseconds((await createPet(first.send)).last_interaction);
    for (const offsetMs of [hourMs, 0, -hourMs, 0]) {
      for (const { send } of [first, second]) {
        moveClock(offsetMs);
        const { body } = await send('POST', '/pet/pets/1/feed');
        expect(toMicroseconds(body.last_interaction)).toBeGreaterThan(last);
        last = toMicroseconds(body.last_interaction);
      }
    }
  });

  test.for([
    ['a running clock', realNow],
    ['a stopped clock', (): number => 1_734_555_831_790],
  ] as const)('are distinct after 50 concurrent feeds with %s', async ([, now], t) => {
    const { send } = await createExampleApp(t);
    vi.spyOn(Date, 'now').mockImplementation(now);
    const created = await createPet(send);
    const responses = await Promise.all(upTo(50).map(() => send('POST', '/pet/pets/1/feed')));
    const fed: Pet[] = responses.map(({ body }) => body);
    for (const pet of fed) expect(pet.last_fed).toBe(pet.last_interaction);
    const times = fed.map((pet) => toMicroseconds(pet.last_fed)).toSorted((a, b) => a - b);
    expect(new Set([toMicroseconds(created.last_fed), ...times]).size).toBe(51);
    expect(times[0]).toBeGreaterThan(toMicroseconds(created.last_fed));
    expect(toMicroseconds((await readPet(send, 1)).last_fed)).toBe(times.at(-1));
  });

  test('rise from feed to feed in the order of the responses', async (t) => {
    const { send } = await createExampleApp(t);
    let last = toMicroseconds((await createPet(send)).last_interaction);
    for (let times = 0; times < 30; times++) {
      const { body } = await send('POST', '/pet/pets/1/feed');
      expect(toMicroseconds(body.last_interaction)).toBeGreaterThan(last);
      last = toMicroseconds(body.last_interaction);
    }
  });
});
