import { describe, expect, test } from 'vitest';
import { createExampleApp } from '../../support/app.ts';
import { createExampleAppAt, places } from '../../support/example-app-at.ts';
import { exchange } from '../../support/sockets.ts';

/** A proxy that normalizes paths would turn each of these into a different path. */
const ambiguous = [
  ...[
    '/pet/../x',
    '/pet/..',
    '/pet/pets/..',
    '/pet/./pets/1',
    '/pet/pets/.',
    '/pet/pets/./',
    '/./pet/pets/1',
  ],
  ...['/pet/pets/%2e%2e', '/pet/pets/%2E./', '/pet/%2e/pets/1', '/pet/pets/1%2f..%2f1', '/pet/pets/x%5c..'],
  ...[
    '/pet/pets/..5',
    '/pet/pets/...',
    '/pet/x../pets',
    '/pet/pets\\1',
    '/pet/pets/7\\',
    '/pet/pets/7%2F..',
    '/pet\\pets\\1',
    '\\pet/pets/1',
  ],
];
/** No program resolves these to a different path. */
const unambiguous: Readonly<Record<string, number>> = {
  '/pet/pets/1': 200,
  '/pet/pets/1?x=a/../b': 200,
  '/pet/pets/?x=%2e%2e%2f\\': 200,
  '/pet/openapi.json': 200,
  '/pet/pets/5..': 422,
  '/pet/pets/1.': 422,
  '/pet/pets/%252e%252e': 422,
  '/pet//pets/1': 404,
};

describe('a path is rejected only if a proxy could resolve it to a different path:', () => {
  test.for(places)('pets %s', async (place, t) => {
    const { url, send } = await createExampleAppAt(t, place);
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    const getStatuses = async (path: string) => {
      const responses = await exchange(
        t,
        url,
        `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      );
      return responses.map(({ status }) => status);
    };
    for (const path of ambiguous) expect(await getStatuses(path), path).toEqual([400]);
    for (const [path, status] of Object.entries(unambiguous))
      expect(await getStatuses(path), path).toEqual([status]);
  });
});

test.for([32, 300])(
  'a path with a parameter of 150 characters has its methods: limit %s',
  async (parameter, t) => {
    const { send } = await createExampleApp(t, { config: { limits: { parameter } } });
    const path = `/pet/pets/${'1'.repeat(150)}`;
    expect((await send('GET', path)).status).toBe(parameter < 150 ? 414 : 422);
    const { status, headers } = await send('PUT', path);
    expect([status, headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, PATCH']);
  },
);

test.for(['/pet/pets/?x=%ff', '/pet/pets/?x=%zz', '/pet/pets/%ff', '/nowhere?x=%c3'])(
  'percent-encoded bytes must be UTF-8: %s',
  async (path, t) => {
    const { send } = await createExampleApp(t);
    const { status, body } = await send('GET', path);
    expect([status, body.type]).toEqual([400, 'about:blank']);
  },
);
