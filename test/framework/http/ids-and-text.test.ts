import { describe, expect, type TestContext, test } from 'vitest';
import { createExampleApp, type TestApp } from '../../support/app.ts';
import { sendRaw } from '../../support/sockets.ts';

/** Strings in a URL that look like an id and are invalid. */
const invalidIds = [
  ...['0', '-1', '-0', '+1', '007', '1.0', '1e3', '1E0', '0x10', '0b1', '1_0', '1n', '1,2', '1;2', '1:2'],
  ...[
    '%207',
    '7%20',
    '%097',
    '7%0A',
    '7%0D%0A',
    '%C2%A07',
    '%E2%80%8B7',
    '%EF%BB%BF7',
    '7%00',
    '%007',
    '%00',
  ],
  // 7 in Arabic, Devanagari, fullwidth and superscript; a Roman numeral.
  ...['%D9%A7', '%E0%A5%AD', '%EF%BC%97', '%E2%81%B7', '%E2%85%A6'],
  ...[
    '9007199254740992',
    '9223372036854775807',
    '9223372036854775808',
    '18446744073709551617',
    '9'.repeat(90),
  ],
  ...['__proto__', 'constructor', 'toString', 'null', 'NaN', 'Infinity', 'true', '%5B7%5D', '*'],
  ...['7%27--', '7%20OR%201=1', '%F0%9F%90%B6', "7'", '7"', '7|7', '{7}', '<7>', '7^', '`7`'],
];

/** Bytes that are not UTF-8: truncated, overlong, half of a surrogate pair, past the last code point. */
const invalidUtf8 = [
  [0xff],
  [0xe2, 0x82],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xf5, 0x80, 0x80, 0x80],
];
const percent = (bytes: readonly number[]) => bytes.map((byte) => `%${byte.toString(16)}`).join('');

/** Creates ten pets and users; each user has the pet with the same id. */
async function fill(t: TestContext): Promise<TestApp> {
  const built = await createExampleApp(t);
  for (let id = 1; id <= 10; id += 1) {
    await built.send('POST', '/pet/pets/', { name: `pet ${id}`, species: 'dog' });
    await built.send('POST', '/user/users/', { name: `user ${id}` });
    await built.send('POST', `/user/users/${id}/pets/${id}`);
  }
  return built;
}

const listAll = async ({ send }: TestApp) => [
  (await send('GET', '/pet/pets/')).body,
  (await send('GET', '/user/users/')).body,
];

describe('an invalid id', () => {
  const locations: [string, string, (id: string) => string][] = [
    ['GET', 'of a pet', (id) => `/pet/pets/${id}`],
    ['DELETE', 'of a pet', (id) => `/pet/pets/${id}`],
    ['POST', 'of a pet to feed', (id) => `/pet/pets/${id}/feed`],
    ['GET', 'of a user', (id) => `/user/users/${id}`],
    ['DELETE', 'of a user', (id) => `/user/users/${id}`],
    ['POST', 'of a user that adopts', (id) => `/user/users/${id}/pets/1`],
    ['POST', 'of a pet to adopt', (id) => `/user/users/1/pets/${id}`],
    ['DELETE', 'of a pet to abandon', (id) => `/user/users/1/pets/${id}`],
    ['GET', 'among ids in a query', (id) => `/pet/pets/?ids=7&ids=${id}`],
  ];

  test.for(locations)('is 422 as the id %s %s, and touches no row', async ([method, , path], t) => {
    const built = await fill(t);
    const before = await listAll(built);
    for (const id of invalidIds) {
      const { status, body } = await sendRaw(t, built.url, { method, path: path(id) });
      expect({ id, status, errors: body.errors?.length }).toEqual({ id, status: 422, errors: 1 });
    }
    expect(await listAll(built)).toEqual(before);
  });

  test('is 422 as an offset or a limit, except an offset of 0', async (t) => {
    const { url } = await fill(t);
    for (const name of ['offset', 'limit']) {
      for (const value of invalidIds.filter((value) => name === 'limit' || value !== '0')) {
        const { status } = await sendRaw(t, url, { path: `/user/users/?${name}=${value}` });
        expect({ name, value, status }).toEqual({ name, value, status: 422 });
      }
    }
  });

  test('is 422 in a body', async (t) => {
    const built = await fill(t);
    const before = await listAll(built);
    const ids = [
      ...[
        '0',
        '-1',
        '-0',
        '"1"',
        'null',
        'true',
        '1.5',
        '[1]',
        '{"1":1}',
        '1e16',
        '1e308',
        '1e999',
        '-1e999',
      ],
      ...['9007199254740992', '9007199254740993', '9223372036854775807', '18446744073709551617'],
    ];
    for (const id of ids) {
      const { status, body } = await built.send(
        'PATCH',
        '/user/users/1',
        `{"name":"X","pets_ids":[2,${id}]}`,
      );
      const { in: place, pointer } = body.errors?.[0] ?? {};
      expect({ id, status, place, pointer }).toEqual({
        id,
        status: 422,
        place: 'body',
        pointer: '/pets_ids/1',
      });
    }
    expect(await listAll(built)).toEqual(before);
  });

  test('is reported at most 20 times in one response', async (t) => {
    const { send } = await fill(t);
    const { status, body } = await send('PATCH', '/user/users/1', { pets_ids: Array(20_000).fill('') });
    expect(status).toBe(422);
    expect(body.errors).toHaveLength(20);
  });

  test('9007199254740991 is the largest valid id', async (t) => {
    const { send } = await fill(t);
    const { status, body } = await send('GET', '/pet/pets/9007199254740991');
    expect({ status, detail: body.detail }).toEqual({ status: 404, detail: 'Pet not found' });
  });

  test('1e1 and 1.0 in a body are the integers 10 and 1, as in JSON Schema', async (t) => {
    const { send } = await fill(t);
    const { body } = await send('PATCH', '/user/users/3', '{"pets_ids":[1e1,1.0]}');
    expect(body.pets.map(({ id }: { id: number }) => id)).toEqual([10, 1]);
  });
});

test('a URL that is not UTF-8 is 400, in its path and in its query', async (t) => {
  const built = await fill(t);
  const before = await listAll(built);
  for (const text of [...invalidUtf8.map(percent), '%', '%2', '%zz', '7%', '%u0037']) {
    for (const path of [
      `/pet/pets/${text}`,
      `/pet/pets/?ids=7&x=${text}`,
      `/user/users/?${text}=1`,
      `/no/${text}`,
    ]) {
      const { status, headers, body } = await sendRaw(t, built.url, { path });
      expect({ path, status, body: body.status }).toEqual({ path, status: 400, body: 400 });
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    }
  }
  expect(await listAll(built)).toEqual(before);
});

test('the instance of a problem is always a URI reference', async (t) => {
  const { url } = await createExampleApp(t);
  const { body } = await sendRaw(t, url, { path: '/pet/"<7>`[\\]^{|}' });
  expect(body.instance).toBe('/pet/%22%3C7%3E%60%5B%5C%5D%5E%7B%7C%7D');
  expect((await sendRaw(t, url, { path: '/pet/pets/%41%' })).body.instance).toBe('/pet/pets/%41%25');
});

describe('a body with bytes that are not UTF-8', () => {
  test.for(invalidUtf8.map((bytes) => ({ bytes, escaped: percent(bytes) })))(
    'is 400, and nothing is stored: $escaped',
    async ({ bytes }, t) => {
      const built = await fill(t);
      const before = await listAll(built);
      const body = Buffer.concat([
        Buffer.from('{"name":"'),
        Buffer.from(bytes),
        Buffer.from('","species":"dog"}'),
      ]);
      for (const path of ['/pet/pets/', '/user/users/']) {
        for (const chunked of [false, true]) {
          const response = await sendRaw(t, built.url, { method: 'POST', path, body, chunked });
          expect(response.status).toBe(400);
          expect(response.body.detail).toBe('The body is not UTF-8');
        }
      }
      expect(await listAll(built)).toEqual(before);
    },
  );
});

describe('a body', () => {
  const rex = '"name":"Rex","species":"dog"';

  test.for([
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'toString',
    '\\u005f_proto__',
    '\\ud800',
    '',
  ])('may have the key %s, which has no effect', async (key, t) => {
    const { send } = await createExampleApp(t);
    const odd = `"${key}":{"name":"Evil","age":7,"polluted":1,"prototype":{"polluted":1}}`;
    const pet = await send('POST', '/pet/pets/', `{${odd},${rex}}`);
    expect(pet).toMatchObject({ status: 200, body: { name: 'Rex', age: null } });
    expect((await send('PATCH', '/pet/pets/1', `{${odd}}`)).body).toMatchObject({ name: 'Rex', age: null });
    expect((await send('POST', '/pet/pets/', `{${odd}}`)).status).toBe(422);
    expect((await send('GET', `/pet/pets/?${encodeURI(key.replaceAll('\\', ''))}=1`)).body).toHaveLength(1);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  const deep = (open: string, close: string, count: number) => `${open.repeat(count)}1${close.repeat(count)}`;
  test.for([
    ['arrays', deep('[', ']', 30_000)],
    ['objects', deep('{"a":', '}', 10_000)],
    ['objects by __proto__', deep('{"__proto__":', '}', 4_000)],
  ] as const)('may be nested as deep as its maximum size allows: %s', async ([, nested], t) => {
    const { send } = await createExampleApp(t);
    expect((await send('POST', '/pet/pets/', `{${rex},"more":${nested}}`)).status).toBe(200);
    expect((await send('POST', '/pet/pets/', `{${rex},"age":${nested}}`)).status).toBe(422);
    expect([422, 400]).toContain((await send('POST', '/pet/pets/', nested)).status);
    expect((await send('POST', '/pet/pets/', nested.slice(0, -1))).status).toBe(400);
  });

  test('may have as many keys as its maximum size allows; a million are too many', async (t) => {
    const { send } = await createExampleApp(t);
    const keys = (count: number) => Array.from({ length: count }, (_, key) => `"k${key}":0`).join();
    expect((await send('POST', '/pet/pets/', `{${rex},${keys(6_500)}}`)).status).toBe(200);
    expect((await send('POST', '/pet/pets/', `{${keys(6_500)}}`)).body.errors).toHaveLength(2);
    expect((await send('POST', '/pet/pets/', `{${rex},${keys(1_000_000)}}`)).status).toBe(413);
  });
});

describe('the log', () => {
  const forged = '{"level":"fatal","time":"2001-01-01T00:00:00.000Z","service":"forged","msg":"forged"}';
  const levels = ['info', 'warn', 'debug'];

  test.for([
    ['a line end in the path', { path: `/pet/a%0A${encodeURI(forged)}%0D%0A` }],
    ['JSON in the path', { path: `/pet/","service":"forged","x":"${forged.replaceAll(' ', '')}` }],
    ['terminal escapes in the path', { path: '/pet/%1B[31mforged%9B2J' }],
    ['non-ASCII bytes in the path', { path: '/pet/\u009b31mforged' }],
    ['a raw line end in the path', { path: `/pet/\n${forged}` }],
    ['a raw escape in the path', { path: '/pet/\u001b[31mforged' }],
    ['a log entry as the method', { method: forged, path: '/pet/' }],
    ['a log entry as the id', { path: '/pet/', headers: [`x-request-id: ${forged}`] }],
    ['terminal escapes in the id', { path: '/pet/', headers: ['x-request-id: \u001b[31mforged'] }],
    ['two ids', { path: '/pet/', headers: ['x-request-id: forged', 'x-request-id: forged'] }],
    ['a folded header', { path: '/pet/', headers: ['x-request-id: a\r\n forged'] }],
    ['a bare line feed in a header', { path: '/pet/', headers: [`x-request-id: a\n${forged}`] }],
  ] as const)('has one entry for one request, without forged fields: %s', async ([, request], t) => {
    const { url, logs } = await createExampleApp(t);
    const before = logs.length;
    const { status } = await sendRaw(t, url, request);
    expect(status).toBeLessThan(500);
    await expect.poll(() => logs.length).toBe(before + 1);
    const entry = logs.at(-1);
    expect(levels).toContain(entry?.level);
    expect(['gateway', 'pet']).toContain(entry?.service);
    expect(['request', 'malformed request rejected']).toContain(entry?.msg);
    expect(entry?.reqId).toMatch(/^[\w-]{1,64}$/);
    expect(entry?.reqId).not.toContain('forged');
    // The entry has no control character, because a terminal that shows it would execute it.
    expect(Object.values(entry ?? {}).join()).not.toMatch(/\p{Cc}/u);
  });
});
