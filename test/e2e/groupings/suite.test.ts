import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { contract, sendRequest, type TestResponse } from '../../support/app.ts';
import { groupings, startGrouping, waitFor } from './helper.ts';

describe.each(groupings)('$name', (grouping) => {
  test('users adopt pets, and the answers are those of one process', async (t) => {
    const { url } = await startGrouping(t, grouping);
    const ask = (method: string, path: string, body?: unknown): Promise<TestResponse> =>
      sendRequest(`${url}${path}`, method, body);

    const { body: rex } = await ask('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    const { body: tom } = await ask('POST', '/pet/pets/', { name: 'Tom', species: 'cat', age: 3 });
    const { body: alice } = await ask('POST', '/user/users/', { name: 'Alice' });
    const { body: bob } = await ask('POST', '/user/users/', { name: 'Bob' });
    expect(await ask('POST', `/user/users/${alice.id}/pets/${rex.id}`)).toMatchObject({
      status: 200,
      body: { name: 'Alice', pets: [rex] },
    });
    expect((await ask('PATCH', `/user/users/${bob.id}`, { pets_ids: [tom.id, rex.id] })).body.pets).toEqual([
      tom,
      rex,
    ]);
    const { body: treated } = await ask('POST', `/pet/pets/${rex.id}/treat`);
    expect((await ask('GET', '/user/users/')).body).toEqual([
      { name: 'Alice', id: alice.id, pets: [treated] },
      { name: 'Bob', id: bob.id, pets: [tom, treated] },
    ]);
    expect((await ask('DELETE', `/pet/pets/${rex.id}`)).body).toEqual({ ok: true });
    expect((await ask('GET', `/user/users/${bob.id}`)).body.pets).toEqual([tom]);
    expect(await ask('POST', `/user/users/${bob.id}/pets/${rex.id}`)).toMatchObject({
      status: 404,
      body: { detail: 'pet not found', instance: `/user/users/${bob.id}/pets/${rex.id}` },
    });
    expect(
      (await ask('PATCH', `/user/users/${bob.id}`, { name: '', pets_ids: ['1'] })).body.errors,
    ).toHaveLength(2);
    expect((await ask('PUT', `/pet/pets/${tom.id}`)).headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH');
  });

  test('the gateway covers every service: home, readiness, documents, docs', async (t) => {
    const { url } = await startGrouping(t, grouping);
    const ask = (path: string) => sendRequest(`${url}${path}`, 'GET');
    expect((await ask('/')).body).toEqual({
      message: 'Gateway is running',
      services: expect.arrayContaining(['pet', 'user']),
    });
    expect((await ask('/ready')).body).toMatchObject({ status: 'OK', degraded: [] });
    for (const name of ['pet', 'user']) {
      expect((await ask(`/${name}/health`)).body).toEqual({ status: 'OK' });
      expect((await ask(`/${name}/ready`)).body).toMatchObject({ status: 'OK', checks: { database: 'OK' } });
      expect((await ask(`/${name}/openapi.json`)).body.servers).toEqual([{ url: `/${name}` }]);
      for (const page of [`/${name}/docs`, `/${name}/docs/`]) {
        expect((await ask(page)).body).toContain('swagger-ui');
      }
    }
    const { body: merged } = await ask('/openapi.json');
    expect(merged).toEqual(contract);
  });

  test('one request is followed by its id through every process, and each line is its service’s', async (t) => {
    const { url, lines } = await startGrouping(t, grouping);
    await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
    await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
    const id = `trace-${grouping.name.replaceAll(' ', '-')}`;
    const answer = await sendRequest(`${url}/user/users/1/pets/1`, 'POST', undefined, { 'x-request-id': id });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-request-id')).toBe(id);

    const isUserApart = !grouping.gateway.includes('user');
    const expected = [...(isUserApart ? ['gateway POST'] : []), 'pet GET', 'user POST'];
    const ours = () => lines().filter(({ reqId, msg }) => reqId === id && msg === 'request');
    await waitFor(() => ours().length >= expected.length);
    await sleep(50);
    expect(
      ours()
        .map(({ service, method }) => `${service} ${method}`)
        .sort(),
    ).toEqual(expected);
    for (const line of lines()) expect(typeof line.service).toBe('string');
  });
});
