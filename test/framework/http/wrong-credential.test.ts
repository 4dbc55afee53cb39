import { expect, test } from 'vitest';
import { build, send } from '../../support/app.ts';

const warning =
  'a caller shows an internal credential that does not match: give every app the same internal.key';

test('a wrong internal credential is one warning a minute, and counts as none', async (t) => {
  const { url, lines } = await build(t);
  const warnings = () => lines.filter(({ msg }) => msg === warning);
  await send(`${url}/pet/pets/`, 'GET');
  expect(warnings()).toEqual([]);
  for (let index = 0; index < 3; index += 1) {
    const { status } = await send(`${url}/pet/pets/`, 'GET', undefined, {
      'x-internal': 'service of-another-app',
    });
    expect(status).toBe(200);
  }
  expect(warnings()).toMatchObject([{ level: 'warn', service: 'pet', reqId: expect.any(String) }]);
});
