import { describe, expect, test } from 'vitest';
import { openRaw } from './logger-helpers.ts';

describe('a secret never reaches a line:', () => {
  const secret = 'hunter2-xyzzy';

  async function rawOf(fields: object): Promise<string> {
    const { logging, raw } = await openRaw();
    logging.logger('pet').info({ ...fields, kept: 'kept' }, 'x');
    logging.logger('pet').child(fields).info({ kept: 'kept' }, 'x');
    expect(raw).toHaveLength(2);
    for (const line of raw)
      expect(JSON.parse(line)).toMatchObject({ service: 'pet', kept: 'kept', msg: 'x' });
    return raw.join('');
  }

  const keys = [
    ...['authorization', 'cookie', 'set-cookie', 'password', 'token', 'secret', 'credential', 'apiKey'],
    ...['api_key', 'api-key', 'x-internal', 'internal'],
  ];

  test.for(keys)('%s of the line itself', async (key) => {
    expect(await rawOf({ [key]: secret })).not.toContain(secret);
  });

  test.for(keys)('%s of an object in it', async (key) => {
    expect(await rawOf({ body: { [key]: secret, name: 'Rex' } })).not.toContain(secret);
  });

  test.for(keys)('%s of the headers of a request', async (key) => {
    expect(await rawOf({ request: { headers: { [key]: [secret] } } })).not.toContain(secret);
  });

  /** An object with all of the secrets under these keys. */
  const all = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, secret]));

  test('one of an object deep in another', async () => {
    expect(await rawOf({ a: { b: { c: all(keys) } } })).not.toContain(secret);
  });

  test.for([7, 8, 9, 20])('one that lies %s objects deep', async (depth) => {
    let fields: object = all(keys);
    for (let index = 0; index < depth; index += 1) fields = { deeper: fields };
    expect(await rawOf(fields)).not.toContain(secret);
  });

  test('one of an object in a list', async () => {
    expect(await rawOf({ users: [{ name: 'Alice', ...all(keys) }] })).not.toContain(secret);
  });

  test('one in capitals', async () => {
    const names = ['Authorization', 'Cookie', 'Set-Cookie', 'PASSWORD', 'Token'];
    expect(await rawOf({ headers: all(names) })).not.toContain(secret);
  });

  test('one of a longer name', async () => {
    const names = ['proxy-authorization', 'access_token', 'refreshToken', 'newPassword'];
    expect(await rawOf({ body: all(names) })).not.toContain(secret);
  });

  test('what an error carries', async () => {
    const err = Object.assign(new Error('no'), { password: secret, headers: { authorization: secret } });
    expect(await rawOf({ err })).not.toContain(secret);
  });

  test('and the object that was logged has it still', async () => {
    const fields = { password: secret, headers: { authorization: secret } };
    await rawOf(fields);
    expect(fields).toEqual({ password: secret, headers: { authorization: secret } });
  });
});
