import { describe, expect, test } from 'vitest';
import { createExampleAppAt, places } from '../../support/example-app-at.ts';
import { exchange } from '../../support/sockets.ts';

/** Each would be another path to a program that resolves it. */
const resolved = [
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
/** Each is what it is. */
const plain: Readonly<Record<string, number>> = {
  '/pet/pets/1': 200,
  '/pet/pets/1?x=a/../b': 200,
  '/pet/pets/?x=%2e%2e%2f\\': 200,
  '/pet/openapi.json': 200,
  '/pet/pets/5..': 422,
  '/pet/pets/1.': 422,
  '/pet/pets/%252e%252e': 422,
  '/pet//pets/1': 404,
};

describe('a path that a program on the way could resolve to another is refused, and no other,', () => {
  test.for(places)('pets %s', async (place, t) => {
    const { url, send } = await createExampleAppAt(t, place);
    await send('POST', '/pet/pets/', { name: 'Rex', species: 'dog' });
    const ask = async (path: string) => {
      const answers = await exchange(
        t,
        url,
        `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      );
      return answers.map(({ status }) => status);
    };
    for (const path of resolved) expect(await ask(path), path).toEqual([400]);
    for (const [path, status] of Object.entries(plain)) expect(await ask(path), path).toEqual([status]);
  });
});
