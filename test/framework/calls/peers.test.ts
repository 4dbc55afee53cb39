import { expect, type TestContext, test } from 'vitest';
import { connectPeer } from '../../../src/framework/calls/peer.ts';
import type { FoundItems, Peer, PeerOf } from '../../../src/framework/calls/peers.ts';
import type { TransportLimits } from '../../../src/framework/calls/transport.ts';
import type { OpenApiDocument } from '../../../src/framework/openapi/response-contract.ts';
import { captureLog, contract, createExampleApp } from '../../support/app.ts';

const document = contract as unknown as OpenApiDocument;

/** Connects the user service to the pet service as an app does. */
async function connect(
  t: TestContext,
  { merged, limits }: { merged: OpenApiDocument | undefined; limits?: TransportLimits } = {
    merged: document,
  },
) {
  const connected = connectPeer({
    ...{
      service: 'user',
      other: 'pet',
      contract: merged,
      deadline: 20_000,
      limits: limits ?? {},
      headers: {},
    },
    log: (await captureLog('info')).logging.logger('user'),
    document: undefined,
    members: {},
  });
  t.onTestFinished(connected.close);
  return { ...connected, pet: connected.operations as unknown as Peer<'pet'> };
}

test('calls an operation by its operationId, with path parameters, query, headers and body', async (t) => {
  const { pet, setOrigin } = await connect(t);
  const { createPet, readPet, listPets, updatePet } = pet;
  setOrigin((await createExampleApp(t)).url);
  const headers = { 'Idempotency-Key': 'one-key' };
  const rex = await createPet({ body: { name: 'Rex', species: 'dog' }, headers });
  expect(await createPet({ body: { name: 'Rex', species: 'dog' }, headers })).toEqual(rex);
  await createPet({ body: { name: 'Tom', species: 'cat' } });
  expect(await readPet({ params: { pet_id: rex.id } })).toEqual(rex);
  const older = await updatePet({ params: { pet_id: rex.id }, body: { age: 3 } });
  expect(older).toEqual({ ...rex, age: 3 });
  expect(await listPets({ query: { limit: 1 } })).toEqual([older]);
  expect((await listPets()).map(({ name }) => name)).toEqual(['Rex', 'Tom']);
});

test('batchBy finds items by `id` or another member, and omits items that do not exist', async (t) => {
  const { pet, setOrigin } = await connect(t);
  const { createPet, listPets } = pet;
  setOrigin((await createExampleApp(t)).url);
  const rex = await createPet({ body: { name: 'Rex', species: 'dog', age: 2 } });
  const tom = await createPet({ body: { name: 'Tom', species: 'cat', age: 1 } });
  const find = listPets.batchBy('ids');
  const [one, both] = await Promise.all([find([tom.id]), find([tom.id, 77, rex.id, tom.id])]);
  expect(one.get(tom.id)).toEqual(tom);
  expect([tom.id, 77, rex.id].map((id) => both.get(id))).toEqual([tom, undefined, rex]);
  // `age` does not contain the requested ids, so the response has an item that was not requested.
  const findByAge = listPets.batchBy('ids', { key: 'age' as 'id' });
  await expect(findByAge([rex.id])).rejects.toMatchObject({ status: 503 });
});

test('reading a property declares the use of an operation; batchBy declares the parameter that it sends', async (t) => {
  const { pet, uses } = await connect(t);
  expect(uses).toEqual([]);
  const { listPets, readPet } = pet;
  expect(pet.listPets).toBe(listPets);
  const use = { service: 'user', peer: 'pet' };
  expect(uses).toEqual([
    { ...use, operationId: 'listPets', sends: undefined },
    { ...use, operationId: 'readPet', sends: undefined },
  ]);
  listPets.batchBy('ids');
  listPets.batchBy('ids');
  expect(uses[0]?.sends).toEqual(['ids']);
  // A service that batches may send more with a single call.
  await listPets({ query: { limit: 1 } }).catch(() => {});
  expect(uses[0]?.sends).toEqual(['ids', 'limit']);
  await readPet({ params: { pet_id: 1 } }).catch(() => {});
  expect(uses[1]?.sends).toBe(undefined);
});

test('an unknown operation or query parameter is an error of one line with the fix', async (t) => {
  const { pet } = await connect(t);
  const wrong = pet as unknown as PeerOf<{ listPetz: object }>;
  expect(() => wrong.listPetz).toThrow(
    /^user uses the operation listPetz of pet, which has createPet, listPets, .*\. Correct the name; after a change of pet run \.\/run\.sh generate$/,
  );
  expect(() => pet.listPets.batchBy('idz' as 'ids')).toThrow(
    'user sends the query parameter idz to listPets of pet, which has offset, limit, after, sort, species, mood, ids. Correct the name; after a change of pet run ./run.sh generate',
  );
});

test('an operation whose success is not JSON is an error of one line', async (t) => {
  const responses = { 200: { content: { 'text/csv': {} } } };
  const paths = { '/pet/csv': { get: { operationId: 'pet.readCsv', responses } } };
  const { operations } = await connect(t, { merged: { openapi: '3.1.0', paths } });
  expect(() => operations.readCsv).toThrow(
    'user uses the operation readCsv of pet, whose response 200 is text/csv: a call reads JSON only',
  );
});

test('a call before the app listens is an error that names service, operation and fix', async (t) => {
  const message =
    'user called listPets of pet before the app listens. Call it in a handler, in onStart or in a job';
  for (const merged of [document, undefined]) {
    const { pet } = await connect(t, { merged });
    const { listPets } = pet;
    await expect(listPets({ query: { limit: 1 } })).rejects.toThrow(message);
    await expect(listPets.batchBy('ids')([1])).rejects.toThrow(message);
  }
});

test('a service can declare any operation while the contract is generated', async (t) => {
  const { operations, uses } = await connect(t, { merged: undefined });
  const { listToys } = operations;
  listToys?.batchBy('names', { key: 'name' });
  expect(uses).toEqual([{ service: 'user', peer: 'pet', operationId: 'listToys', sends: ['names'] }]);
});

test('a poll takes no connection from calls', async (t) => {
  const { pet, poll, setOrigin } = await connect(t, { merged: document, limits: { connections: 1 } });
  const { app, url } = await createExampleApp(t);
  const { listPets } = pet;
  setOrigin(url);
  const waiting = poll('/events?timeout=30000', 40_000);
  expect(await listPets()).toEqual([]);
  await app.stop();
  expect((await waiting).content).toBe('[]');
});

test('a batch of events may be larger than the response to a call', async (t) => {
  const { pet, poll, setOrigin } = await connect(t, { merged: document, limits: { answer: 100 } });
  const { createPet, listPets } = pet;
  setOrigin((await createExampleApp(t)).url);
  await expect(createPet({ body: { name: 'Rex', species: 'dog' } })).rejects.toMatchObject({ status: 504 });
  await expect(listPets()).rejects.toMatchObject({ status: 503 });
  expect((await poll('/openapi.json', 10_000)).content.length).toBeGreaterThan(100);
});

/** Checked by tsc alone. */
export async function types(pet: Peer<'pet'>): Promise<unknown> {
  const { listPets, readPet, createPet, events } = pet;
  events({ 'pet.created': ({ data: { mood } }) => (mood === 'happy' ? async () => {} : undefined) });
  events({
    'pet.deleted': async ({ subject, data }) => {
      const read: [string, number] = [subject, data.id];
      return async () => read;
    },
  });
  // @ts-expect-error the peer has no such event
  events({ 'pet.lost': () => undefined });
  // @ts-expect-error the event has no such data
  events({ 'pet.deleted': ({ data }) => data.name });
  const mood: string = (await readPet({ params: { pet_id: 1 } })).mood;
  const found: FoundItems<number, { name: string }> = await listPets.batchBy('ids')([1]);
  listPets.batchBy('ids', { key: 'id' });
  // @ts-expect-error the operation has no such query parameter
  await listPets({ query: { limi: 10 } });
  // @ts-expect-error the operation has no such query parameter
  listPets.batchBy('idz');
  // @ts-expect-error the parameter takes no list
  listPets.batchBy('limit');
  // @ts-expect-error the response is no list
  readPet.batchBy('ids');
  // @ts-expect-error the member contains no key of the parameter
  listPets.batchBy('ids', { key: 'name' });
  // @ts-expect-error keys have the type of the parameter
  await listPets.batchBy('ids')(['1']);
  // @ts-expect-error the path parameter is missing
  await readPet();
  // @ts-expect-error the path parameter is missing
  await readPet({});
  // @ts-expect-error the body is missing
  await createPet();
  // @ts-expect-error the body does not match
  await createPet({ body: { name: 1, species: 'dog' } });
  return { mood, found };
}

/** Checked by tsc alone. */
export async function typesOfBodies(
  peer: PeerOf<{
    removePet: { responses: { 204: { content?: never } } };
    findPet: { responses: { 200: { content: { 'application/json': { name: string } | null } } } };
    startJob: {
      responses: {
        200: { content: { 'application/json': { id: number } } };
        202: { content: { 'application/json': { job: string } } };
        default: { content: { 'application/problem+json': { status: number } } };
      };
    };
  }>,
): Promise<unknown> {
  const nothing: undefined = await peer.removePet();
  const found = await peer.findPet();
  // @ts-expect-error the pet may be null
  const name: string = found.name;
  const started: { id: number } | { job: string } = await peer.startJob();
  return { nothing, name, started };
}
// @ts-expect-error no such peer
export type NoPeer = Peer<'no-such-peer'>;
// @ts-expect-error no such operation
export type NoOperation = Peer<'pet'>['listToys'];
