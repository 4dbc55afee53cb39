import { expect, test } from 'vitest';
import { createExampleApp, sendRequest } from '../../support/app.ts';

const warning =
  'a caller shows an internal credential that does not match: give every app the same internal.key';

test('a wrong internal credential is ignored, and logs one warning a minute', async (t) => {
  const { url, logs } = await createExampleApp(t);
  const warnings = () => logs.filter(({ msg }) => msg === warning);
  await sendRequest(`${url}/pet/pets/`, 'GET');
  expect(warnings()).toEqual([]);
  for (let index = 0; index < 3; index += 1) {
    const { status } = await sendRequest(`${url}/pet/pets/`, 'GET', undefined, {
      'x-internal': 'service of-another-app',
    });
    expect(status).toBe(200);
  }
  expect(warnings()).toMatchObject([{ level: 'warn', service: 'pet', reqId: expect.any(String) }]);
});
