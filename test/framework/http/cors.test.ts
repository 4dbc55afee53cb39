import { describe, expect, test } from 'vitest';
import { createExampleApp, sendRequest } from '../../support/app.ts';
import { get, startBoth } from './headers-helper.ts';

describe('a page of another origin', () => {
  const allowed = 'https://app.example';
  const preflight = { origin: allowed, 'access-control-request-method': 'PATCH' };
  const sendOptions = (url: string, headers = {}) => sendRequest(url, 'OPTIONS', undefined, headers);

  test('may not read responses if the config has no origins', async (t) => {
    const { url } = await createExampleApp(t);
    const { headers } = await get(`${url}/pet/pets/`, { origin: allowed });
    const names = [...headers.keys()].filter((name) => name.startsWith('access-control') || name === 'vary');
    expect(names).toEqual([]);
    expect((await sendOptions(`${url}/pet/pets/`, preflight)).status).toBe(405);
  });

  test('may read responses only if the config lists its origin; all other behaviour is unchanged', async (t) => {
    for (const url of await startBoth(t, { origins: [allowed] })) {
      for (const path of ['/pet/pets/1', '/user/users/9', '/nowhere']) {
        const { headers } = await get(`${url}${path}`, { origin: allowed });
        expect(headers.get('access-control-allow-origin')).toBe(allowed);
        expect(headers.get('access-control-expose-headers')).toBe(
          'idempotent-replayed, link, retry-after, x-request-id',
        );
        expect(headers.get('access-control-allow-credentials')).toBeNull();
        expect(headers.get('vary')).toBe('Origin');
      }
      const other = await get(`${url}/pet/pets/1`, { origin: 'https://app.example.evil' });
      expect(other.status).toBe(200);
      expect(other.headers.get('access-control-allow-origin')).toBeNull();

      const { status, headers } = await sendOptions(`${url}/pet/pets/1`, preflight);
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-origin')).toBe(allowed);
      expect(headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE');

      expect((await sendOptions(`${url}/pet/pets`)).status).toBe(405);
      expect((await sendOptions(`${url}/nowhere`)).status).toBe(404);
      expect((await get(`${url}/nowhere`)).status).toBe(404);
      const wrong = await sendRequest(`${url}/pet/pets`, 'PUT');
      expect(wrong.status).toBe(405);
      expect(wrong.headers.get('allow')).toBe('GET, HEAD, POST');
    }
  });
});
