import { expect, test } from 'vitest';
import type { TestApp } from './app.ts';
import { createExampleApp } from './app.ts';
import {
  createProblemChecks,
  formType,
  idsOf,
  malformedLimits,
  malformedOffsets,
  readAllowedMethods,
  type Send,
  shareApp,
} from './route-contract.ts';

// Tests that the routes of the example services have in common. A test file calls them inside `describe`.

/**
 * Tests the pages of `GET /<service>/<service>s/`.
 * @param create creates items with the ids 1 to `count` in an empty database.
 */
export function testPages(
  service: string,
  create: (send: Send, count: number) => Promise<readonly { id: number }[]>,
): void {
  const path = `/${service}/${service}s/`;
  const { expectViolations } = createProblemChecks(service);
  const shared = shareApp();
  const list = async (send: Send, query = '') => (await send('GET', `${path}${query}`)).body;

  test('lists nothing in an empty database', async (t) => {
    const { send } = await createExampleApp(t);
    expect(await send('GET', path)).toMatchObject({ status: 200, body: [] });
  });

  test('lists the first 100 items by default, in id order', async (t) => {
    const { send } = await createExampleApp(t);
    const items = await create(send, 103);
    expect(await list(send)).toStrictEqual(items.slice(0, 100));
    expect(await list(send, '?limit=100&offset=100')).toStrictEqual(items.slice(100));
  });

  test('lists the page that limit and offset select', async (t) => {
    const { send } = await createExampleApp(t);
    await create(send, 5);
    await send('DELETE', `${path}3`);
    expect(idsOf(await list(send, '?limit=2'))).toEqual([1, 2]);
    expect(idsOf(await list(send, '?offset=1'))).toEqual([2, 4, 5]);
    expect(idsOf(await list(send, '?offset=1&limit=2'))).toEqual([2, 4]);
    expect(idsOf(await list(send, '?offset=0&limit=1'))).toEqual([1]);
    expect(idsOf(await list(send, '?offset=4'))).toEqual([]);
    expect(idsOf(await list(send, `?offset=${Number.MAX_SAFE_INTEGER}`))).toEqual([]);
  });

  test.for(malformedLimits)('rejects limit=%s', async (limit) => {
    expectViolations(await shared.send('GET', `${path}?limit=${limit}`), 'query', '/limit');
  });

  test.for(malformedOffsets)('rejects offset=%s', async (offset) => {
    expectViolations(await shared.send('GET', `${path}?offset=${offset}`), 'query', '/offset');
  });

  test('names each invalid parameter', async () => {
    expectViolations(await shared.send('GET', `${path}?limit=0&offset=x`), 'query', '/limit', '/offset');
  });
}

/** Tests that the paths of a service reject other methods with 405, and that other paths get 404. */
export function testUnknownRoutes(
  service: string,
  shared: Pick<TestApp, 'send'>,
  known: readonly (readonly [path: string, allowed: readonly string[], rejected: readonly string[]])[],
  unknown: readonly string[],
): void {
  const { expectProblem } = createProblemChecks(service);
  const list = async () => (await shared.send('GET', `/${service}/${service}s/`)).body;

  test.for(known)('%s rejects other methods with 405, and names the allowed methods', async (route) => {
    const [path, allowed, rejected] = route;
    const before = await list();
    for (const method of rejected) {
      for (const slash of ['', '/']) {
        const response = await shared.send(method, `${path}${slash}`);
        expectProblem(response, 405);
        expect(readAllowedMethods(response)).toEqual(allowed);
      }
    }
    // The 405 comes before the 415 of this body.
    expectProblem(await shared.send('PUT', path, 'name=Rex', { 'content-type': formType }), 405);
    expect(await list()).toStrictEqual(before);
  });

  test.for(unknown)('%s is not found, and the 404 names the path', async (path) => {
    for (const method of ['GET', 'POST']) {
      const response = await shared.send(method, path);
      expectProblem(response, 404);
      expect(response.body.detail).toContain(path);
    }
  });
}
