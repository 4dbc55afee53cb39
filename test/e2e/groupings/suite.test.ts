import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { contract, sendRequest, type TestResponse } from '../../support/app.ts';
import { groupings, startGrouping, waitFor } from './helper.ts';

describe.each(groupings)('$name', (grouping) => {
  test('users adopt pets, and the responses are the same as in one process', async (t) => {
    const { url } = await startGrouping(t, grouping);
    const send = (method: string, path: string, body?: unknown): Promise<TestResponse> =>
      sendRequest(`${url}${path}`, method, body);

    const { body: rex } = await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    const { body: tom } = await send('POST', '/pet/pets/', { name: 'Tom', species: 'cat', age: 3 });
    const { body: alice } = await send('POST', '/user/users/', { name: 'Alice' });
    const { body: bob } = await send('POST', '/user/users/', { name: 'Bob' });
    expect(await send('POST', `/user/users/${alice.id}/pets/${rex.id}`)).toMatchObject({
      status: 200,
      body: { name: 'Alice', pets: [rex] },
    });
    expect((await send('PATCH', `/user/users/${bob.id}`, { pets_ids: [tom.id, rex.id] })).body.pets).toEqual([
      tom,
      rex,
    ]);
    const { body: treated } = await send('POST', `/pet/pets/${rex.id}/treat`);
    expect((await send('GET', '/user/users/')).body).toEqual([
      { name: 'Alice', id: alice.id, pets: [treated] },
      { name: 'Bob', id: bob.id, pets: [tom, treated] },
    ]);
    expect((await send('DELETE', `/pet/pets/${rex.id}`)).body).toEqual({ ok: true });
    expect((await send('GET', `/user/users/${bob.id}`)).body.pets).toEqual([tom]);
    expect(await send('POST', `/user/users/${bob.id}/pets/${rex.id}`)).toMatchObject({
      status: 404,
      body: { detail: 'pet not found', instance: `/user/users/${bob.id}/pets/${rex.id}` },
    });
    expect(
      (await send('PATCH', `/user/users/${bob.id}`, { name: '', pets_ids: ['1'] })).body.errors,
    ).toHaveLength(2);
    expect((await send('PUT', `/pet/pets/${tom.id}`)).headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH');
  });

  test('the gateway serves every service: home, readiness, documents, docs', async (t) => {
    const { url } = await startGrouping(t, grouping);
    const send = (path: string) => sendRequest(`${url}${path}`, 'GET');
    expect((await send('/')).body).toEqual({
      message: 'Gateway is running',
      services: expect.arrayContaining(['pet', 'user']),
    });
    expect((await send('/ready')).body).toMatchObject({ status: 'OK', degraded: [] });
    for (const name of ['pet', 'user']) {
      expect((await send(`/${name}/health`)).body).toEqual({ status: 'OK' });
      expect((await send(`/${name}/ready`)).body).toMatchObject({ status: 'OK', checks: { database: 'OK' } });
      expect((await send(`/${name}/openapi.json`)).body.servers).toEqual([{ url: `/${name}` }]);
      for (const page of [`/${name}/docs`, `/${name}/docs/`]) {
        expect((await send(page)).body).toContain('swagger-ui');
      }
    }
    const { body: merged } = await send('/openapi.json');
    expect(merged).toEqual(contract);
  });

  test('a request has one id in every process, and each log entry names its service', async (t) => {
    const { url, readLogs } = await startGrouping(t, grouping);
    await sendRequest(`${url}/pet/pets/`, 'POST', { name: 'Rex', species: 'dog' });
    await sendRequest(`${url}/user/users/`, 'POST', { name: 'Alice' });
    const id = `trace-${grouping.name.replaceAll(' ', '-')}`;
    const response = await sendRequest(`${url}/user/users/1/pets/1`, 'POST', undefined, {
      'x-request-id': id,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-request-id')).toBe(id);

    const isForwarded = !grouping.gateway.includes('user');
    const expected = [...(isForwarded ? ['gateway POST'] : []), 'pet GET', 'user POST'];
    const listAccess = () => readLogs().filter(({ reqId, msg }) => reqId === id && msg === 'request');
    await waitFor(() => listAccess().length >= expected.length);
    await sleep(50);
    expect(
      listAccess()
        .map(({ service, method }) => `${service} ${method}`)
        .sort(),
    ).toEqual(expected);
    for (const { service } of readLogs()) expect(typeof service).toBe('string');
  });
});
